import * as Effect from "effect/Effect"
import { parseTimestampOrDuration } from "../time/timestamps.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

/** What a request asks, its query as the engine reads it. */
export class Query {
  readonly #values: Readonly<Record<string, string>>

  constructor(query: Readonly<Record<string, string | number | boolean | undefined>>) {
    this.#values = Object.fromEntries(
      Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]))
    )
  }

  text(key: string): string | undefined {
    return this.#values[key]
  }

  flag(key: string): boolean {
    return !["", "0", "no", "false", "none"].includes((this.#values[key] ?? "").trim().toLowerCase())
  }

  /** A whole number; one that is none is refused in the engine's way. */
  integer(key: string, status = 400): Effect.Effect<number | undefined, ErrorResponse> {
    const text = this.#values[key]
    return text === undefined || text === ""
      ? Effect.succeed(undefined)
      : /^[+-]?\d+$/.test(text)
        ? Effect.succeed(Number(text))
        : Effect.fail(errorResponse(status, `strconv.Atoi: parsing "${text}": invalid syntax`))
  }

  /** The filters, whose keys must be among those that are known. */
  filters(known: ReadonlyArray<string> | undefined): Effect.Effect<Filters, ErrorResponse> {
    const text = this.#values["filters"]
    if (text === undefined || text === "") return Effect.succeed(new Filters({}))
    const values = parseFilters(text)
    if (values === undefined) return Effect.fail(errorResponse(400, "invalid filter"))
    const unknown = known === undefined ? undefined : Object.keys(values).find((key) => !known.includes(key))
    return unknown === undefined
      ? Effect.succeed(new Filters(values))
      : Effect.fail(errorResponse(400, `invalid filter '${unknown}'`))
  }
}

const parseFilters = (text: string): Record<string, ReadonlyArray<string>> | undefined => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof parsed !== "object" || parsed === null) return undefined
  const filters: Record<string, ReadonlyArray<string>> = {}
  const entries: ReadonlyArray<[string, unknown]> = Object.entries(parsed)
  for (const [key, value] of entries) {
    // Older clients send `{ "label": { "a=b": true } }`.
    const values: ReadonlyArray<unknown> = Array.isArray(value)
      ? value
      : typeof value === "object" && value !== null
        ? Object.keys(value)
        : []
    filters[key] = values.map(String)
  }
  return filters
}

/** The engine's filters: within one key any value will do, and all keys must hold. */
export class Filters {
  constructor(readonly values: Readonly<Record<string, ReadonlyArray<string>>>) {}

  get(key: string): ReadonlyArray<string> {
    return this.values[key] ?? []
  }

  /** Whether the key is not asked for, or one of its values holds. */
  any(key: string, holds: (value: string) => boolean): boolean {
    const values = this.get(key)
    return values.length === 0 || values.some(holds)
  }

  /** Whether all labels that are asked for are there: `key` or `key=value`. */
  labels(labels: Readonly<Record<string, string>>, key = "label"): boolean {
    return this.get(key).every((wanted) => {
      const at = wanted.indexOf("=")
      return at < 0 ? Object.hasOwn(labels, wanted) : labels[wanted.slice(0, at)] === wanted.slice(at + 1)
    })
  }

  /** Whether none of the labels that are not wanted (`label!`) is there. */
  unlabelled(labels: Readonly<Record<string, string>>): boolean {
    return this.get("label!").every((unwanted) => !new Filters({ label: [unwanted] }).labels(labels))
  }

  /** A name as the engine looks for it: any part of it, or a regular expression. */
  name(name: string): boolean {
    return this.any("name", (value) => {
      try {
        return new RegExp(value).test(name)
      } catch {
        return name.includes(value)
      }
    })
  }

  /** Nanoseconds since the epoch, from a moment or from how long ago it was: what is younger is not meant. */
  until(now: bigint, status = 400): Effect.Effect<bigint | undefined, ErrorResponse> {
    const [value, second] = this.get("until")
    if (value === undefined) return Effect.succeed(undefined)
    if (second !== undefined) return Effect.fail(errorResponse(status, "more than one until filter specified"))
    const moment = parseTimestampOrDuration(value, now)
    return moment === undefined
      ? Effect.fail(errorResponse(status, `failed to parse value as time or duration: "${value}"`))
      : Effect.succeed(moment)
  }

  /** A filter that is yes or no. */
  boolean(key: string): Effect.Effect<boolean | undefined, ErrorResponse> {
    const [value] = this.get(key)
    return value === undefined
      ? Effect.succeed(undefined)
      : ["1", "true"].includes(value)
        ? Effect.succeed(true)
        : ["0", "false"].includes(value)
          ? Effect.succeed(false)
          : Effect.fail(errorResponse(400, `invalid filter '${key}=[${value}]'`))
  }
}
