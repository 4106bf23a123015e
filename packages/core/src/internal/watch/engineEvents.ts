import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import { type DockerFailure, type EngineError, InvalidRequest } from "../../DockerError.js"
import { decodeAnswer } from "../api/decode.js"
import { mapEngineError } from "../api/errorRules.js"
import { engineTime, engineTimeNanos } from "../api/engineTime.js"

/** Something that happened on the engine. */
export interface EngineEvent {
  /** `container`, `image`, `volume`, `network`, ... */
  readonly type: string
  /** `start`, `die`, `destroy`, ...; some carry more behind a colon: `health_status: healthy`. */
  readonly action: string
  /** The id of what it happened to; a name for images and volumes. */
  readonly id: string
  /** The engine's own attributes: name, image, exitCode, labels, ... */
  readonly attributes: Readonly<Record<string, string>>
  /** Nanoseconds since the epoch, by the engine's clock. */
  readonly timeNano: bigint
}

/** Which events. */
export interface EventsOptions {
  /** Also those since this moment which the engine still remembers (256 at most, none over a restart of the engine). */
  readonly since?: string | Date
  /** Ends at this moment. Without `since` all that the engine remembers comes before. */
  readonly until?: string | Date
  /** The engine's filters: `{ type: ["container"], event: ["start", "die"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

const decodeEvent = decodeAnswer(
  Schema.parseJson(
    Schema.Struct({
      Type: Schema.String,
      Action: Schema.String,
      Actor: Schema.Struct({
        ID: Schema.String,
        Attributes: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.String })))
      }),
      time: Schema.Number
    })
  )
)

// JSON.parse would lose the last digits of a number of nineteen.
const timeNano = /"timeNano":(\d+)/

/** Podman's word for it is another. */
const isDestroy = (type: string, action: string): boolean =>
  action === "remove" && (type === "container" || type === "volume")

const withRemove = (filters: Readonly<Record<string, ReadonlyArray<string>>>) => {
  const { event } = filters
  return event?.includes("destroy") === true && !event.includes("remove")
    ? { ...filters, event: [...event, "remove"] }
    : filters
}

/** Subscribes: what happens from here on comes by the stream, however late that is read. Closed with the scope. */
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
      return value === undefined ? Effect.succeed(undefined) : engineTime(field, value)
    }
    const since = yield* time("since")
    const until = yield* time("until")
    if (since !== undefined && until !== undefined && engineTimeNanos(since) > engineTimeNanos(until)) {
      const detail = `it is after until, which is ${String(options.until)}`
      return yield* new InvalidRequest({ field: "since", value: String(options.since), detail })
    }
    const request: DockerRequest = {
      method: "GET",
      path: "/events",
      query: {
        since,
        until,
        filters: options.filters === undefined ? undefined : JSON.stringify(withRemove(options.filters))
      }
    }
    const { body, status } = yield* docker.stream(request)
    return body.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.filter((line) => line.trim() !== ""),
      Stream.mapEffect((line) =>
        Effect.map(decodeEvent(request, status, line), (event): EngineEvent => {
          const nanos = timeNano.exec(line)?.[1]
          const attributes = event.Actor.Attributes ?? {}
          return {
            type: event.Type,
            action: isDestroy(event.Type, event.Action) ? "destroy" : event.Action,
            // Podman has the name of a volume only there.
            id: event.Actor.ID === "" ? (attributes["name"] ?? "") : event.Actor.ID,
            attributes,
            timeNano: nanos === undefined ? BigInt(event.time) * 1_000_000_000n : BigInt(nanos)
          }
        })
      )
    )
  }).pipe(mapEngineError(rule))
}

/** The same as a stream that subscribes when it is run. */
export const engineEvents = (
  docker: DockerShape,
  options: EventsOptions
): Stream.Stream<EngineEvent, InvalidRequest | DockerFailure> => Stream.unwrapScoped(openEvents(docker, options))
