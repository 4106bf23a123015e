import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import type { ContainerNotFound, DockerFailure, WaitFailure } from "../../DockerError.js"
import { EngineContainerState } from "../api/containerState.js"
import { decodeResponse, nullable } from "../api/decode.js"
import { containerNotFound, mapEngineError } from "../api/errors/errorRules.js"
import { containerPath } from "../api/names.js"

/** Why a condition was not met and never will be. */
export interface Unmet {
  readonly reason: WaitFailure
  readonly detail: string
}

/** Whether a condition is met, can no longer be met, or is still open (`undefined`). */
export type Verdict = "met" | Unmet | undefined

const decodeInspected = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Config: Schema.Struct({
      Healthcheck: nullable(Schema.Struct({ Test: nullable(Schema.Array(Schema.String)) }))
    }),
    HostConfig: nullable(Schema.Struct({ NetworkMode: nullable(Schema.String) })),
    State: Schema.Struct({
      Status: EngineContainerState,
      ExitCode: Schema.Number,
      Error: Schema.optional(Schema.String),
      StartedAt: Schema.String,
      FinishedAt: Schema.String,
      Health: nullable(
        Schema.Struct({
          Status: Schema.String,
          Log: nullable(
            Schema.Array(
              Schema.Struct({
                Start: Schema.String,
                End: Schema.String,
                ExitCode: Schema.Number,
                Output: Schema.String
              })
            )
          )
        })
      )
    }),
    NetworkSettings: Schema.Struct({
      Ports: nullable(
        Schema.Record({
          key: Schema.String,
          value: Schema.NullOr(Schema.Array(Schema.Struct({ HostIp: Schema.String, HostPort: Schema.String })))
        })
      ),
      Networks: nullable(
        Schema.Record({
          key: Schema.String,
          value: Schema.Struct({ IPAddress: nullable(Schema.String), GlobalIPv6Address: nullable(Schema.String) })
        })
      )
    })
  })
)

/** A container as far as a wait needs to know it. */
export type WaitSubject = Effect.Effect.Success<ReturnType<typeof decodeInspected>>

/** Inspects a container for a wait. `GET /containers/{id}/json` */
export const inspectForWait = (
  docker: DockerShape,
  id: string
): Effect.Effect<WaitSubject, ContainerNotFound | DockerFailure> =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "GET", path: yield* containerPath(id, "/json") }
    const { body, status } = yield* docker.json(request)
    return yield* decodeInspected(request, status, body)
  }).pipe(mapEngineError((error) => containerNotFound(id, error)))

export const hasExited = ({ State }: WaitSubject): boolean => State.Status === "exited" || State.Status === "dead"

export const exited = ({ State }: WaitSubject): Unmet => ({
  reason: "Exited",
  detail: `the container exited with code ${State.ExitCode}${State.Error ? ` (${State.Error})` : ""}`
})

export const startFailed = ({ State }: WaitSubject): Unmet | undefined =>
  State.Status === "created" && State.Error
    ? { reason: "Exited", detail: `the container failed to start: ${State.Error}` }
    : undefined

export const removed: Unmet = { reason: "Removed", detail: "the container was removed" }

/** Whether the container's health check has passed. */
export const judgeHealth = (subject: WaitSubject): Verdict => {
  if (hasExited(subject)) return exited(subject)
  const { Health, Status } = subject.State
  if (Health?.Status === "healthy") return "met"
  if (Health?.Status === "unhealthy") return { reason: "Unhealthy", detail: "the container is unhealthy" }
  if (Status !== "running" || (Health != null && !/^(none)?$/.test(Health.Status))) return startFailed(subject)
  return { reason: "Impossible", detail: "the container has no health check" }
}
