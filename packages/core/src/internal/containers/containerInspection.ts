import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../Docker.js"
import { ContainerStateConflict, EngineError } from "../../DockerError.js"
import { decodeResponse, requestDecoded } from "../api/decode.js"
import { containerNotFound, mapEngineError, stateConflict } from "../api/errors/errorRules.js"
import { containerPath } from "../api/names.js"
import { traced } from "../api/traced.js"
import type { ContainerDetails, FileChange } from "./containerModels.js"
import { decodeContainerDetails } from "./decodeContainer.js"
import { decodeProcessTable } from "./processTable.js"

const decodeChanges = decodeResponse(
  Schema.NullOr(Schema.Array(Schema.Struct({ Path: Schema.String, Kind: Schema.Literal(0, 1, 2) })))
)
const changeKinds = ["modified", "added", "deleted"] as const

/** Podman's response is empty if it cannot list the processes. The state tells why. */
const emptyTopError = (id: string, { status }: ContainerDetails["state"]) =>
  status === "running" || status === "paused"
    ? new EngineError({ request: `GET /containers/${id}/top`, status: 200, detail: "empty response" })
    : new ContainerStateConflict({
        containerId: id,
        state: "stopped",
        detail: `empty response, and the container is ${status}`
      })

/** Methods of `Containers` that read from one container: `inspect`, `top` and `changes`. */
export const containerInspection = (docker: DockerShape) => {
  const inspect = traced("Containers.inspect")((id: string) =>
    containerPath(id, "/json").pipe(
      Effect.flatMap((path) => requestDecoded(docker, { method: "GET", path }, decodeContainerDetails)),
      mapEngineError((error) => containerNotFound(id, error))
    )
  )

  const top = traced("Containers.top")(
    Effect.fnUntraced(
      function* (id: string, psArguments?: string) {
        const path = yield* containerPath(id, "/top")
        const request = { method: "GET", path, query: { ps_args: psArguments } } as const
        const { body, status } = yield* docker.json(request)
        if (body === undefined) return yield* emptyTopError(id, (yield* inspect(id)).state)
        return yield* decodeProcessTable(request, status, body)
      },
      (effect, id) => mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))(effect)
    )
  )

  const changes = traced("Containers.changes")((id: string) =>
    containerPath(id, "/changes").pipe(
      Effect.flatMap((path) => requestDecoded(docker, { method: "GET", path }, decodeChanges)),
      Effect.map((changes) =>
        (changes ?? []).map(({ Kind, Path }): FileChange => ({ path: Path, kind: changeKinds[Kind] }))
      ),
      mapEngineError((error) => containerNotFound(id, error))
    )
  )

  return { inspect, top, changes }
}
