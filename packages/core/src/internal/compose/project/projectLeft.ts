import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "../../api/decode.js"
import { filtersQuery } from "../../api/filters.js"
import { projectFilter } from "./composeLabels.js"
import type { ComposeContainer } from "./containerModel.js"
import { listProjectContainers } from "./projectContainers.js"

/** What of a project is on the engine. */
export interface ProjectLeft {
  readonly containers: ReadonlyArray<ComposeContainer>
  /** Names. */
  readonly networks: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
}

const Named = Schema.Array(Schema.Struct({ Name: Schema.String }))
const decodeNetworks = decodeResponse(Named)
const decodeVolumes = decodeResponse(Schema.Struct({ Volumes: nullable(Named) }))

/** What of a project is on the engine. `GET /containers/json`, `GET /networks` and `GET /volumes` */
export const projectLeft = (docker: DockerShape, project: string): Effect.Effect<ProjectLeft, DockerFailure> => {
  const query = { filters: filtersQuery(projectFilter(project)) }
  const networks: DockerRequest = { method: "GET", path: "/networks", query }
  const volumes: DockerRequest = { method: "GET", path: "/volumes", query }
  return Effect.all(
    {
      containers: Effect.map(listProjectContainers(docker, project), (all) => all.map(({ container }) => container)),
      networks: Effect.map(requestDecoded(docker, networks, decodeNetworks), (list) => list.map(({ Name }) => Name)),
      volumes: Effect.map(requestDecoded(docker, volumes, decodeVolumes), ({ Volumes }) =>
        (Volumes ?? []).map(({ Name }) => Name)
      )
    },
    { concurrency: 3 }
  )
}

const listed = (kind: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : [`${kind}${names.length === 1 ? "" : "s"} ${names.join(", ")}`]

/** Says what of a project is left: `containers web-1 (running), db-1 (created); network shop_default`. */
export const describeLeft = ({ containers, networks, volumes }: ProjectLeft): string => {
  const parts = [
    ...listed(
      "container",
      containers.map(({ name, state }) => `${name} (${state})`)
    ),
    ...listed("network", networks),
    ...listed("volume", volumes)
  ]
  return parts.length === 0 ? "nothing is left" : parts.join("; ")
}
