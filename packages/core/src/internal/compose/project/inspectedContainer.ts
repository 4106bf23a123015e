import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { EngineContainerState } from "../../api/containerState.js"
import { decodeResponse, nullable, StringRecord } from "../../api/decode.js"
import { normalizeTimestamp, responseMillis, timestampMillis } from "../../api/engineTime.js"
import { type ComposeLabels, composeLabels } from "./composeLabels.js"
import type { ComposeContainer } from "./containerModel.js"

const decodeInspected = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Name: Schema.String,
    RestartCount: Schema.optional(Schema.Number),
    Config: Schema.Struct({
      Labels: nullable(StringRecord),
      Healthcheck: nullable(Schema.Struct({ Test: nullable(Schema.Array(Schema.String)) }))
    }),
    HostConfig: nullable(
      Schema.Struct({
        RestartPolicy: nullable(Schema.Struct({ Name: Schema.optional(Schema.String) })),
        PortBindings: nullable(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
      })
    ),
    State: Schema.Struct({
      Status: EngineContainerState,
      ExitCode: Schema.Number,
      Error: Schema.optional(Schema.String),
      StartedAt: Schema.String,
      FinishedAt: Schema.String,
      Health: nullable(Schema.Struct({ Status: Schema.String }))
    })
  })
)

/** A container of a project, as far as the list does not tell. */
export interface InspectedContainer {
  readonly id: string
  readonly name: string
  readonly labels: ComposeLabels
  readonly service: string
  readonly state: typeof EngineContainerState.Type
  /** `undefined` if the container has no health check. */
  readonly health: string | undefined
  readonly exitCode: number
  /** The engine's words where a start failed. */
  readonly error: string
  /** Normalized timestamps; in the year 1 if it never happened. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly restartCount: number
  readonly restartPolicy: string
  readonly hasHealthCheck: boolean
  readonly publishesPorts: boolean
  /** Milliseconds since the present run began, by the engine's clock, rounded down to seconds; 0 if it doesn't tell. */
  readonly runningFor: number
}

/** Podman sends an empty status for a container without a health check; the test `NONE` switches one off. */
const hasTest = (test: ReadonlyArray<string> | null | undefined): boolean =>
  test != null && test.length > 0 && test[0] !== "NONE"

/** Inspects a container; `undefined` if it is gone, or belongs to no service. `GET /containers/{id}/json` */
export const inspectProjectContainer = (
  docker: DockerShape,
  id: string
): Effect.Effect<InspectedContainer | undefined, DockerFailure> => {
  const request: DockerRequest = { method: "GET", path: `/containers/${id}/json` }
  return Effect.gen(function* () {
    const { body, headers, status } = yield* docker.json(request)
    const { Config, HostConfig, Id, Name, RestartCount, State } = yield* decodeInspected(request, status, body)
    const labels = composeLabels(Config.Labels ?? {})
    if (labels?.service === undefined) return undefined
    const startedAt = normalizeTimestamp(State.StartedAt) ?? State.StartedAt
    const now = responseMillis(headers)
    const health = State.Health?.Status
    const inspected: InspectedContainer = {
      id: Id,
      name: Name.replace(/^\//, ""),
      labels,
      service: labels.service,
      state: State.Status,
      health: health === undefined || /^(none)?$/.test(health) ? undefined : health,
      exitCode: State.ExitCode,
      error: State.Error ?? "",
      startedAt,
      finishedAt: normalizeTimestamp(State.FinishedAt) ?? State.FinishedAt,
      restartCount: RestartCount ?? 0,
      restartPolicy: HostConfig?.RestartPolicy?.Name ?? "",
      hasHealthCheck: hasTest(Config.Healthcheck?.Test) || (health !== undefined && !/^(none)?$/.test(health)),
      publishesPorts: Object.keys(HostConfig?.PortBindings ?? {}).length > 0,
      runningFor: now === undefined ? 0 : Math.max(0, now - timestampMillis(startedAt))
    }
    return inspected
  }).pipe(
    Effect.catchTag("EngineError", (error) => (error.status === 404 ? Effect.succeed(undefined) : Effect.fail(error)))
  )
}

/**
 * What a list says of a container that has just been stopped: the engine says that it has stopped before its list shows it, and
 * what it inspects is up to date. `undefined` if the container is gone.
 */
export const withStopped = (
  docker: DockerShape,
  listed: ComposeContainer
): Effect.Effect<ComposeContainer | undefined, DockerFailure> =>
  listed.state === "exited" || listed.state === "created"
    ? Effect.succeed(listed)
    : Effect.map(inspectProjectContainer(docker, listed.id), (inspected) => {
        if (inspected === undefined || inspected.state !== "exited") return inspected && listed
        const { health: _health, ...rest } = listed
        return { ...rest, state: inspected.state, exitCode: inspected.exitCode }
      })

/** Inspects several containers, those that are gone left out. */
export const inspectProjectContainers = (
  docker: DockerShape,
  ids: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<InspectedContainer>, DockerFailure> =>
  Effect.map(
    Effect.forEach(ids, (id) => inspectProjectContainer(docker, id), { concurrency: 8 }),
    (found) => found.filter((container) => container !== undefined)
  )
