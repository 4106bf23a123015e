/** Decodes and validates the messages of a client. */
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { ClientMessage, ErrorMessage } from "../Wire.js"
import { maxClientFrameBytes } from "../Wire.js"

/** What is wrong with a client's message: the `data` of a wire `error`. */
export type ProtocolError = ErrorMessage["data"]

const text = (max: number) => Schema.String.pipe(Schema.minLength(1), Schema.maxLength(max))

const RoomName = text(512).pipe(
  Schema.pattern(/^(docker_logs|(operation|docker_config|docker_image|container_logs|container_stats)_.+)$/, {
    message: () =>
      "expected docker_logs, operation_<log id>, docker_config_<config id>, docker_image_<name>, container_logs_<container> or container_stats_<container>"
  })
)

const ContainerName = text(255).pipe(
  // An inner slash: an alias that a legacy link added.
  Schema.pattern(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*(\/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*$/, {
    message: () => "expected a container's full id, short id or name"
  })
)

const Position = Schema.String.pipe(Schema.maxLength(32 * 1024))

const Tail = Schema.Number.pipe(
  Schema.filter((tail) => (Number.isSafeInteger(tail) && tail >= 0) || "expected a whole number of lines, 0 or more")
)

const sincePattern = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d{1,9})?([Zz]|[+-]\d\d:\d\d)|\d{1,12}(\.\d{1,9})?)$/

const Since = Schema.Union(Schema.String, Schema.Number).pipe(
  Schema.filter(
    (since) =>
      sincePattern.test(String(since)) ||
      "expected an RFC 3339 timestamp (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)"
  )
)

const Interval = Schema.Number.pipe(Schema.between(100, 3_600_000))

/** The `data` of each message. */
const dataSchemas = {
  join: Schema.Struct({ room: RoomName, position: Schema.optionalWith(Position, { exact: true }) }),
  leave: Schema.Struct({ room: RoomName }),
  stream_container_logs: Schema.Struct({
    container_id: ContainerName,
    tail: Schema.optionalWith(Tail, { exact: true }),
    since: Schema.optionalWith(Since, { exact: true }),
    position: Schema.optionalWith(Position, { exact: true }),
    room: Schema.optionalWith(RoomName, { exact: true })
  }),
  stop_container_logs: Schema.Struct({
    container_id: ContainerName,
    room: Schema.optionalWith(RoomName, { exact: true })
  }),
  stream_container_stats: Schema.Struct({
    container_id: ContainerName,
    interval: Schema.optionalWith(Interval, { exact: true })
  }),
  stop_container_stats: Schema.Struct({ container_id: ContainerName })
} satisfies { readonly [E in ClientMessage["event"]]: Schema.Schema.AnyNoContext }

const messageSchema = <E extends keyof typeof dataSchemas>(event: E) =>
  Schema.Struct({ event: Schema.Literal(event), data: dataSchemas[event] })

const decoders = {
  join: Schema.decodeUnknown(messageSchema("join")),
  leave: Schema.decodeUnknown(messageSchema("leave")),
  stream_container_logs: Schema.decodeUnknown(messageSchema("stream_container_logs")),
  stop_container_logs: Schema.decodeUnknown(messageSchema("stop_container_logs")),
  stream_container_stats: Schema.decodeUnknown(messageSchema("stream_container_stats")),
  stop_container_stats: Schema.decodeUnknown(messageSchema("stop_container_stats"))
}

const isKnownEvent = (event: string): event is keyof typeof decoders => Object.hasOwn(decoders, event)

const describeParseError = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  return issue === undefined ? error.message : `${issue.path.join(".")}: ${issue.message}`
}

const parseJson = (frame: string): Effect.Effect<unknown, ProtocolError> =>
  Effect.try({
    try: (): unknown => JSON.parse(frame),
    catch: () => ({
      code: "not_json",
      message: 'The message is not valid JSON. Send one object per frame: {"event": ..., "data": {...}}.'
    })
  })

const eventOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "event" in value && typeof value.event === "string"
    ? value.event
    : undefined

/** The error for a frame of this size. */
export const tooLarge = (bytes: number): ProtocolError => ({
  code: "too_large",
  message: `The message is ${bytes} bytes long. The limit is ${maxClientFrameBytes} bytes.`
})

/** Decodes one text frame. */
export const decodeClientMessage = (frame: string): Effect.Effect<ClientMessage, ProtocolError> =>
  Effect.gen(function* () {
    const bytes = Buffer.byteLength(frame)
    if (bytes > maxClientFrameBytes) return yield* Effect.fail(tooLarge(bytes))
    const value = yield* parseJson(frame)
    const event = eventOf(value)
    if (event === undefined) {
      return yield* Effect.fail({
        code: "bad_message",
        message: 'A message must be an object of the form {"event": ..., "data": {...}}.'
      })
    }
    if (!isKnownEvent(event)) {
      const known = Object.keys(decoders).join(", ")
      return yield* Effect.fail({
        code: "unknown_event",
        message: `Unknown event ${JSON.stringify(event)}. Known events: ${known}.`,
        about: event
      })
    }
    const decoded: Effect.Effect<ClientMessage, ParseResult.ParseError> = decoders[event](value)
    return yield* Effect.mapError(decoded, (error) => ({
      code: "bad_message",
      message: describeParseError(error),
      about: event
    }))
  })
