import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../Docker.js"
import { type DockerFailure, type EngineError, InvalidRequest } from "../DockerError.js"
import type { EngineEvent, EventsOptions } from "../Events.js"
import { decodeAnswer, refine } from "./answer.js"
import { engineTime } from "./logTime.js"

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
  }).pipe(refine(rule))
}
