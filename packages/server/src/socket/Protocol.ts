/** What clients may say: decoding, limits, and what they are told when it is wrong. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { ClientMessage, WireError } from "../Wire.js"
import { maxClientFrameBytes } from "../Wire.js"

/** What was wrong with a message: the `data` of an `error`. */
export type ProtocolError = WireError["data"]

/** How many rooms a connection may be in. */
export const maxRooms = 256

/** Messages that a connection may send at once, and how many more each second. */
export const messageBurst = 500
/** See `messageBurst`. */
export const messagesPerSecond = 50

/** Wrong messages within a minute after which a connection is closed. */
export const maxOffences = 10

const text = (max: number) => Schema.String.pipe(Schema.minLength(1), Schema.maxLength(max))

const RoomName = text(512).pipe(
  Schema.pattern(/^(docker_logs|(operation|docker_config|docker_image|container_logs|container_stats)_.+)$/, {
    message: () =>
      "give docker_logs, operation_<log id>, docker_config_<config id>, docker_image_<name>, container_logs_<container> or container_stats_<container>"
  })
)

const ContainerName = text(255).pipe(
  Schema.pattern(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { message: () => "give a container's full id, short id or name" })
)

const Position = Schema.String.pipe(Schema.maxLength(32 * 1024))

const Tail = Schema.Number.pipe(
  Schema.filter((tail) => (Number.isSafeInteger(tail) && tail >= 0) || "give a whole number of lines, 0 or more")
)

const moment = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d{1,9})?([Zz]|[+-]\d\d:\d\d)|\d{1,12}(\.\d{1,9})?)$/

const Since = Schema.Union(Schema.String, Schema.Number).pipe(
  Schema.filter(
    (since) =>
      moment.test(String(since)) ||
      "give RFC 3339 (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)"
  )
)

const Interval = Schema.Number.pipe(Schema.between(100, 3_600_000))

/** Each message's `data`. */
const datas = {
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

const message = <E extends keyof typeof datas>(event: E) =>
  Schema.Struct({ event: Schema.Literal(event), data: datas[event] })

const decoders = {
  join: Schema.decodeUnknownEither(message("join")),
  leave: Schema.decodeUnknownEither(message("leave")),
  stream_container_logs: Schema.decodeUnknownEither(message("stream_container_logs")),
  stop_container_logs: Schema.decodeUnknownEither(message("stop_container_logs")),
  stream_container_stats: Schema.decodeUnknownEither(message("stream_container_stats")),
  stop_container_stats: Schema.decodeUnknownEither(message("stop_container_stats"))
}

const isKnown = (event: string): event is keyof typeof decoders => Object.hasOwn(decoders, event)

const wrong = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  return issue === undefined ? error.message : `${issue.path.join(".")}: ${issue.message}`
}

const parseJson = (frame: string): Either.Either<unknown, ProtocolError> => {
  try {
    const value: unknown = JSON.parse(frame)
    return Either.right(value)
  } catch {
    return Either.left({
      code: "not_json",
      message: 'A message must be one JSON object: {"event": ..., "data": {...}}.'
    })
  }
}

const eventOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "event" in value && typeof value.event === "string"
    ? value.event
    : undefined

/** What a frame of so many bytes is answered with. */
export const tooLarge = (bytes: number): ProtocolError => ({
  code: "too_large",
  message: `The message has ${bytes} bytes; at most ${maxClientFrameBytes} are read.`
})

/** Reads one frame of a client's. */
export const decodeClientMessage = (frame: string): Either.Either<ClientMessage, ProtocolError> => {
  const bytes = Buffer.byteLength(frame)
  if (bytes > maxClientFrameBytes) return Either.left(tooLarge(bytes))
  return Either.flatMap(parseJson(frame), (value): Either.Either<ClientMessage, ProtocolError> => {
    const event = eventOf(value)
    if (event === undefined) {
      return Either.left({ code: "bad_message", message: 'A message must be {"event": ..., "data": {...}}.' })
    }
    if (!isKnown(event)) {
      const known = Object.keys(decoders).join(", ")
      return Either.left({
        code: "unknown_event",
        message: `Unknown event ${JSON.stringify(event)}; known are ${known}.`,
        about: event
      })
    }
    const decoded: Either.Either<ClientMessage, ParseResult.ParseError> = decoders[event](value)
    return Either.mapLeft(decoded, (error) => ({ code: "bad_message", message: wrong(error), about: event }))
  })
}

/** Counts a client's messages and offences. Times are in milliseconds. */
export class Manners {
  private tokens = messageBurst
  private last: number
  private offences: Array<number> = []

  constructor(now: number) {
    this.last = now
  }

  /** Whether one more message is not too fast. */
  allows(now: number): boolean {
    this.tokens = Math.min(messageBurst, this.tokens + ((now - this.last) / 1000) * messagesPerSecond)
    this.last = now
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }

  /** Notes an offence; whether it was one too many. */
  offend(now: number): boolean {
    this.offences = this.offences.filter((at) => now - at < 60_000)
    this.offences.push(now)
    return this.offences.length >= maxOffences
  }
}
