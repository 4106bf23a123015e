/** Stable links to lines: they hold over restarts of the container, the engine and the server. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import { LogStream } from "@dockwire/core/LogEvent"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { parseTime } from "./text/queryTime.js"

const Name = Schema.NonEmptyString.pipe(Schema.filter((text) => !/\p{Surrogate}/u.test(text)))

/** UTC with nine fractional digits, so that two links to a line are the same text. */
const Timestamp = Schema.String.pipe(
  Schema.filter((text) => /\.\d{9}Z$/.test(text) && /^[\d:.TZ-]+$/.test(text) && parseTime(text) !== undefined)
)

/** A part of a link as text. The name of a source keeps its slashes. */
const encode = (name: string): string => encodeURIComponent(name).replaceAll("%2F", "/")

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ""
  }
}

/** `source@generation@timestamp`, and behind another `@` an `e` for stderr, and the place unless it is 0. */
const linkText = /^([^@\s]+)@([^@\s]+)@([\d:.TZ-]+)(?:@(?=.)(e?)([1-9]\d{0,8})?)?$/

/**
 * A line's identity. Its text form, `shop/web@3f2a9c@2026-01-31T12:00:00.123456789Z@2`, can stand in a URL as it is: `toString` writes
 * it, `parse` reads it.
 */
export class LineLink extends Schema.Class<LineLink>("LineLink")({
  /** The id of what a person follows: engine and service, or the container's name. */
  source: Name,
  /** The container under the source that wrote the line: its full id. */
  generation: Name,
  /** The line's timestamp, normalized: RFC 3339 in UTC with nanoseconds. */
  timestamp: Timestamp,
  stream: LogStream,
  /** How many lines of the generation and stream with the same timestamp stand before it in the engine's log. */
  place: Schema.NonNegativeInt.pipe(Schema.lessThan(1_000_000_000))
}) {
  override toString(): string {
    return LineLink.textOf(this)
  }

  /** The text form of a link with these fields, which are not checked. */
  static textOf({ generation, place, source, stream, timestamp }: typeof LineLink.Encoded): string {
    const among = `${stream === "stderr" ? "e" : ""}${place === 0 ? "" : place}`
    return `${encode(source)}@${encode(generation)}@${timestamp}${among === "" ? "" : `@${among}`}`
  }

  /** Reads the text form. */
  static parse(text: string): Effect.Effect<LineLink, InvalidRequest> {
    const [, source = "", generation = "", timestamp = "", error = "", place = "0"] = linkText.exec(text) ?? []
    const fields = {
      source: decode(source),
      generation: decode(generation),
      timestamp,
      stream: error === "" ? "stdout" : "stderr",
      place: Number(place)
    }
    return Option.match(Schema.decodeUnknownOption(LineLink)(fields), {
      onNone: () =>
        Effect.fail(
          new InvalidRequest({
            field: "link",
            value: text,
            detail:
              "It is not a link to a line. Use one as it was given: shop/web@3f2a9c@2026-01-31T12:00:00.123456789Z, and what stands behind another @."
          })
        ),
      onSome: Effect.succeed
    })
  }
}
