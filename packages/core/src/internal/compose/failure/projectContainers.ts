import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { ContainerState, EngineContainerState } from "../../api/containerState.js"
import { decodeResponse, nullable, requestDecoded, StringRecord } from "../../api/decode.js"
import { filtersQuery } from "../../api/filters.js"

/** The labels with which compose marks what it makes. */
export const composeLabels = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  oneoff: "com.docker.compose.oneoff"
} as const

/**
 * A container of a compose project.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeContainer = Schema.Struct({
  /** The full id. */
  id: Schema.String,
  name: Schema.String,
  service: Schema.String,
  /** Counts the containers of the service from 1. */
  number: Schema.Number,
  state: ContainerState,
  /** The engine's words for the state, such as `Up 2 minutes (healthy)`. */
  status: Schema.String
}).annotations({ identifier: "ComposeContainer", description: "A container of a compose project" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeContainer = typeof ComposeContainer.Type

const decodeList = decodeResponse(
  Schema.Array(
    Schema.Struct({
      Id: Schema.String,
      Names: nullable(Schema.Array(Schema.String)),
      Labels: nullable(StringRecord),
      State: EngineContainerState,
      Status: nullable(Schema.String)
    })
  )
)

/** The containers of a project's services, sorted by name. Those of `compose run` are not among them. */
export const projectContainers = (
  docker: DockerShape,
  project: string
): Effect.Effect<ReadonlyArray<ComposeContainer>, DockerFailure> =>
  requestDecoded(
    docker,
    {
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters: filtersQuery({ label: [`${composeLabels.project}=${project}`] }) }
    },
    decodeList
  ).pipe(
    Effect.map((found) =>
      found
        .flatMap(({ Id, Labels, Names, State, Status }): ReadonlyArray<ComposeContainer> => {
          const labels = Labels ?? {}
          if (labels[composeLabels.oneoff]?.toLowerCase() === "true") return []
          return [
            {
              id: Id,
              name: (Names?.[0] ?? Id).replace(/^\//, ""),
              service: labels[composeLabels.service] ?? "",
              number: Number(labels[composeLabels.number] ?? "1"),
              state: State,
              status: Status ?? ""
            }
          ]
        })
        .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    )
  )

const decodeInspection = decodeResponse(
  Schema.Struct({
    Config: Schema.Struct({ Labels: nullable(StringRecord) }),
    State: Schema.Struct({ Error: nullable(Schema.String), ExitCode: nullable(Schema.Number) })
  })
)

/** What the engine says of a container that did not start, and whose it is. */
export const containerEnd = (docker: DockerShape, id: string) =>
  Effect.map(
    requestDecoded(docker, { method: "GET", path: `/containers/${encodeURIComponent(id)}/json` }, decodeInspection),
    ({ Config, State }) => ({
      project: Config.Labels?.[composeLabels.project],
      error: State.Error ?? "",
      exitCode: State.ExitCode ?? 0
    })
  )
