import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import { type DockerFailure, type EngineError, InvalidRequest } from "../../DockerError.js"
import { decodeResponse, nullable, StringRecord, undecodable } from "../api/decode.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { boundNanos, parseEngineTime, engineTimeNanos, secondsNanos } from "../api/engineTime.js"
import type { EngineEvent } from "./eventModel.js"

/**
 * Which events to read.
 *
 * @since 0.1.0
 * @category models
 */
export interface EventsOptions {
  /** Includes past events from this time on that the engine still has: at most 256, and none from before its last restart. */
  readonly since?: string | Date
  /** Ends the stream at this time. Without `since`, all past events that the engine still has are included. */
  readonly until?: string | Date
  /** The engine's filters: `{ type: ["container"], event: ["start", "die"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

const decodeEvent = decodeResponse(
  Schema.parseJson(
    Schema.Struct({
      Type: Schema.String,
      Action: Schema.String,
      Actor: Schema.Struct({
        ID: Schema.String,
        Attributes: nullable(StringRecord)
      }),
      time: Schema.optional(Schema.Number)
    })
  )
)

// Nanoseconds have 19 digits, more than a JavaScript number holds.
const timeNano = /"timeNano":\s*(-?\d{1,40})\s*[,}]/

/** The time of an event. An engine that sends no nanoseconds sends seconds, which may have a fraction. */
const eventTime = (line: string, time: number | undefined): bigint | undefined => {
  const nanos = timeNano.exec(line)?.[1]
  if (nanos !== undefined) return boundNanos(BigInt(nanos))
  return time === undefined ? undefined : secondsNanos(time)
}

/** Podman calls it `remove`. */
const isDestroy = (type: string, action: string): boolean =>
  action === "remove" && (type === "container" || type === "volume")

const withRemove = (filters: Readonly<Record<string, ReadonlyArray<string>>>) => {
  const { event } = filters
  return event?.includes("destroy") === true && !event.includes("remove")
    ? { ...filters, event: [...event, "remove"] }
    : filters
}

/** What to subscribe to. Times are in the format that the engine accepts. */
interface EventsQuery {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
}

/** Subscribes at once: the stream has every event from here on, however late it is run. The scope closes the connection. */
export const subscribe = (
  docker: DockerShape,
  { filters, since, until }: EventsQuery
): Effect.Effect<Stream.Stream<EngineEvent, DockerFailure>, DockerFailure, Scope.Scope> => {
  const request: DockerRequest = {
    method: "GET",
    path: "/events",
    query: { since, until, filters: filters === undefined ? undefined : JSON.stringify(withRemove(filters)) }
  }
  return Effect.map(docker.stream(request), ({ body, status }) =>
    body.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.filter((line) => line.trim() !== ""),
      Stream.mapEffect((line) =>
        Effect.flatMap(decodeEvent(request, status, line), (event) => {
          const nanos = eventTime(line, event.time)
          if (nanos === undefined) return Effect.fail(undecodable(request, status, `an event without a time: ${line}`))
          const attributes = event.Actor.Attributes ?? {}
          return Effect.succeed<EngineEvent>({
            type: event.Type,
            action: isDestroy(event.Type, event.Action) ? "destroy" : event.Action,
            // Podman names a volume in the attributes only.
            id: event.Actor.ID === "" ? (attributes["name"] ?? "") : event.Actor.ID,
            attributes,
            timeNano: nanos
          })
        })
      )
    )
  )
}

/** Like `subscribe`, with the caller's options, which may be invalid. */
export const openEvents = (
  docker: DockerShape,
  options: EventsOptions
): Effect.Effect<
  Stream.Stream<EngineEvent, InvalidRequest | DockerFailure>,
  InvalidRequest | DockerFailure,
  Scope.Scope
> => {
  const rule = (error: EngineError) =>
    error.status === 400
      ? /`since`/.test(error.detail)
        ? new InvalidRequest({ field: "since", value: String(options.since), detail: error.detail })
        : new InvalidRequest({ field: "filters", value: JSON.stringify(options.filters ?? {}), detail: error.detail })
      : undefined
  return Effect.gen(function* () {
    const time = (field: "since" | "until") => {
      const value = options[field]
      return value === undefined ? Effect.succeed(undefined) : parseEngineTime(field, value)
    }
    const since = yield* time("since")
    const until = yield* time("until")
    if (since !== undefined && until !== undefined && engineTimeNanos(since) > engineTimeNanos(until)) {
      const detail = `must not be after until (${String(options.until)})`
      return yield* new InvalidRequest({ field: "since", value: String(options.since), detail })
    }
    return yield* subscribe(docker, { since, until, filters: options.filters })
  }).pipe(mapEngineError(rule))
}

/** Like `openEvents`, but subscribes when the stream is run. `GET /events` */
export const engineEvents = (
  docker: DockerShape,
  options: EventsOptions
): Stream.Stream<EngineEvent, InvalidRequest | DockerFailure> => Stream.unwrapScoped(openEvents(docker, options))
