import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Docker, type DockerRequest } from "./Docker.js"
import { type DockerFailure, InvalidRequest } from "./DockerError.js"
import { decodeAnswer } from "./internal/answer.js"
import { engineTime } from "./internal/logTime.js"

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

const Event = decodeAnswer(
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

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const stream = (options: EventsOptions = {}) =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const time = (field: "since" | "until") => {
          const value = options[field]
          return value === undefined ? Effect.succeed(undefined) : engineTime(field, value)
        }
        const request: DockerRequest = {
          method: "GET",
          path: "/events",
          query: {
            since: yield* time("since"),
            until: yield* time("until"),
            filters: options.filters === undefined ? undefined : JSON.stringify(options.filters)
          }
        }
        const { body, status } = yield* docker.stream(request)
        return body.pipe(
          Stream.decodeText(),
          Stream.splitLines,
          Stream.filter((line) => line.trim() !== ""),
          Stream.mapEffect((line) =>
            Effect.map(Event(request, status, line), (event): EngineEvent => {
              const nanos = timeNano.exec(line)?.[1]
              return {
                type: event.Type,
                action: event.Action,
                id: event.Actor.ID,
                attributes: event.Actor.Attributes ?? {},
                timeNano: nanos === undefined ? BigInt(event.time) * 1_000_000_000n : BigInt(nanos)
              }
            })
          )
        )
      })
    ).pipe(
      Stream.mapError((error) =>
        error._tag === "EngineError" && error.status === 400
          ? /`since`/.test(error.detail)
            ? new InvalidRequest({ field: "since", value: String(options.since), detail: error.detail })
            : new InvalidRequest({
                field: "filters",
                value: String(JSON.stringify(options.filters)),
                detail: error.detail
              })
          : error
      )
    )

  return { stream }
})

/** The shape of `Events`. */
export interface EventsShape {
  /**
   * What happens on the engine, as it happens. It ends at `until`, else never by itself: a lost connection is an
   * `EngineUnavailable`, and whoever subscribes again must look what has changed meanwhile. `GET /events`
   */
  readonly stream: (options?: EventsOptions) => Stream.Stream<EngineEvent, InvalidRequest | DockerFailure>
}

/** The engine's events. */
export class Events extends Context.Tag("@dockwire/core/Events")<Events, EventsShape>() {
  /** Events of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Events, never, Docker> = Layer.effect(Events, make)
}
