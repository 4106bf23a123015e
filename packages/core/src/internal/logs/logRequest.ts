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
import { containerNotFound } from "../api/errors/errorRules.js"
import { containerPath } from "../api/names.js"
import { EngineContainerState } from "../api/containerState.js"
import { normalizeTimestamp } from "../api/engineTime.js"
import { type LogFiles, logFiles, rotationSize } from "./logRotation.js"

/**
 * The errors of reading a log.
 *
 * @since 0.1.0
 * @category errors
 */
export type LogsError = ContainerNotFound | LogsUnreadable | InvalidRequest | DockerFailure

/** A container as far as a reader of its log needs to know it. */
export interface LogSubject {
  /** The full id. The name may pass to another container. */
  readonly id: string
  readonly tty: boolean
  /** Whether it runs or is paused. A container that waits to be restarted does not run. */
  readonly running: boolean
  /** A normalized timestamp, like `finishedAt`; in the year 1 if it never happened. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly exitCode: number
  /** See `rotationSize`. */
  readonly rotationSize: number | undefined
  /** See `logFiles`. */
  readonly files: LogFiles | undefined
}

const nullable = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.NullOr(schema))

const decodeInspected = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    Config: Schema.Struct({ Tty: Schema.optional(Schema.Boolean) }),
    HostConfig: nullable(
      Schema.Struct({
        LogConfig: nullable(
          Schema.Struct({
            Type: Schema.optional(Schema.String),
            Config: nullable(Schema.Record({ key: Schema.String, value: Schema.String }))
          })
        )
      })
    ),
    State: Schema.Struct({
      Status: EngineContainerState,
      StartedAt: Schema.String,
      FinishedAt: Schema.String,
      ExitCode: Schema.Number
    })
  })
)

/** Inspects a container for reading its log. `GET /containers/{id}/json` */
export const inspectSubject = (
  docker: DockerShape,
  id: string
): Effect.Effect<LogSubject, ContainerNotFound | DockerFailure> =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "GET", path: yield* containerPath(id, "/json") }
    const { body, status } = yield* docker.json(request)
    const { Config, HostConfig, Id, State } = yield* decodeInspected(request, status, body)
    return {
      id: Id,
      tty: Config.Tty ?? false,
      running: State.Status === "running" || State.Status === "paused",
      startedAt: normalizeTimestamp(State.StartedAt) ?? State.StartedAt,
      finishedAt: normalizeTimestamp(State.FinishedAt) ?? State.FinishedAt,
      exitCode: State.ExitCode,
      rotationSize: rotationSize(HostConfig?.LogConfig ?? {}),
      files: logFiles(HostConfig?.LogConfig ?? {})
    }
  }).pipe(Effect.catchTag("EngineError", (error) => Effect.fail(containerNotFound(id, error) ?? error)))

/** Whether the container has not been started again since it was inspected. */
export const isSameRun = (docker: DockerShape, { id, startedAt }: LogSubject): Effect.Effect<boolean> =>
  inspectSubject(docker, id).pipe(
    Effect.map((inspected) => inspected.startedAt === startedAt),
    Effect.orElseSucceed(() => false)
  )

/** The parameters of a request for a log. Times are in the format that the engine accepts. */
export interface LogQuery {
  readonly follow: boolean
  readonly streams: ReadonlyArray<LogStream> | undefined
  readonly tail?: number | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** The request for a log with timestamps. `GET /containers/{id}/logs` */
const logRequest = (id: string, query: LogQuery): DockerRequest => ({
  method: "GET",
  path: `/containers/${id}/logs`,
  // The engine may search a long log for `since` before it answers.
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

/** What an error of the engine means for who reads a log. */
const readFailure = (id: string) => (error: EngineError) =>
  Effect.fail(
    containerNotFound(id, error) ??
      (error.status === 501 || /does not support reading|cannot read logs/.test(error.detail)
        ? new LogsUnreadable({ containerId: id, detail: error.detail })
        : error)
  )

/** Opens a log. */
export const openLog = (docker: DockerShape, id: string, query: LogQuery) =>
  docker.stream(logRequest(id, query)).pipe(Effect.catchTag("EngineError", readFailure(id)))

/**
 * Reads a few records at once, which costs a small part of opening the log. The bytes are those of the response as far as they
 * are UTF-8.
 */
export const readRecords = (docker: DockerShape, id: string, query: Omit<LogQuery, "follow" | "streams">) =>
  docker.json(logRequest(id, { ...query, follow: false, streams: undefined })).pipe(
    Effect.catchTag("EngineError", readFailure(id)),
    Effect.map(({ body }) => Buffer.from(typeof body === "string" ? body : ""))
  )

/** An error that the engine reported inside a log. */
export const logError = (id: string, detail: string): EngineError =>
  new EngineError({ request: `GET /containers/${id}/logs`, status: 200, detail })
