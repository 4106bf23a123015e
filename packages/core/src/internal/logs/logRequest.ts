import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import {
  type DockerFailure,
  type ContainerNotFound,
  EngineError,
  type InvalidRequest,
  LogsUnreadable
} from "../../DockerError.js"
import type { LogStream } from "../../LogEvent.js"
import { decodeResponse } from "../api/decode.js"
import { containerNotFound } from "../api/errorRules.js"
import { containerPath } from "../api/names.js"
import { EngineContainerState } from "../api/containerState.js"
import { normalizeTimestamp } from "../api/engineTime.js"

/** What can end the reading of a log. */
export type LogsError = ContainerNotFound | LogsUnreadable | InvalidRequest | DockerFailure

/** What a reader of logs must know of a container. */
export interface LogSubject {
  /** The full id: the log belongs to it, whoever bears the name. */
  readonly id: string
  readonly tty: boolean
  /** Whether the run goes on; a container that waits for its restart doesn't run. */
  readonly running: boolean
  /** Canonical timestamps; of the year 1 where it never happened. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
}

const decodeInspected = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Config: Schema.Struct({ Tty: Schema.optional(Schema.Boolean) }),
    State: Schema.Struct({
      Status: EngineContainerState,
      StartedAt: Schema.String,
      FinishedAt: Schema.String,
      ExitCode: Schema.Number
    })
  })
)

/** `GET /containers/{id}/json`, as far as logs need it. */
export const inspectSubject = (
  docker: DockerShape,
  id: string
): Effect.Effect<LogSubject, ContainerNotFound | DockerFailure> =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "GET", path: yield* containerPath(id, "/json") }
    const { body, status } = yield* docker.json(request)
    const { Config, Id, State } = yield* decodeInspected(request, status, body)
    return {
      id: Id,
      tty: Config.Tty ?? false,
      running: State.Status === "running" || State.Status === "paused",
      startedAt: normalizeTimestamp(State.StartedAt) ?? State.StartedAt,
      finishedAt: normalizeTimestamp(State.FinishedAt) ?? State.FinishedAt,
      exitCode: State.ExitCode
    }
  }).pipe(Effect.catchTag("EngineError", (error) => Effect.fail(containerNotFound(id, error) ?? error)))

/** How a log is asked for; times as the engine takes them. */
export interface LogQuery {
  readonly follow: boolean
  readonly streams: ReadonlyArray<LogStream> | undefined
  readonly tail?: number | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** `GET /containers/{id}/logs`, always with timestamps. */
export const openLog = (docker: DockerShape, id: string, query: LogQuery) =>
  docker
    .stream({
      method: "GET",
      path: `/containers/${id}/logs`,
      // A log that is being read from its end to find where `since` begins may say nothing for long.
      timeout: Duration.infinity,
      query: {
        timestamps: true,
        follow: query.follow,
        stdout: query.streams?.includes("stdout") ?? true,
        stderr: query.streams?.includes("stderr") ?? true,
        tail: query.tail ?? "all",
        since: query.since,
        until: query.until
      }
    })
    .pipe(
      Effect.catchTag("EngineError", (error) =>
        Effect.fail(
          containerNotFound(id, error) ??
            (error.status === 501 || /does not support reading|cannot read logs/.test(error.detail)
              ? new LogsUnreadable({ containerId: id, detail: error.detail })
              : error)
        )
      )
    )

/** The engine's words inside a log, as an error. */
export const logError = (id: string, detail: string): EngineError =>
  new EngineError({ request: `GET /containers/${id}/logs`, status: 200, detail })
