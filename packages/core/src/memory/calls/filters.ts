import * as Either from "effect/Either"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { parseTimestampOrDuration } from "../time/timestamps.js"

/** Parses the `filters` parameter; `undefined` if it is not a JSON object. */
export const parseFilters = (text: string): Filters["values"] | undefined => {
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

/** The filters of a list or prune. An object must match all keys, and at least one of the values of each. */
export class Filters {
  constructor(readonly values: Readonly<Record<string, ReadonlyArray<string>>>) {}

  get(key: string): ReadonlyArray<string> {
    return this.values[key] ?? []
  }

  /** Whether the key has no values, or `matches` holds for one of them. */
  any(key: string, matches: (value: string) => boolean): boolean {
    const values = this.get(key)
    return values.length === 0 || values.some(matches)
  }

  /** Whether all wanted labels (`key` or `key=value`) are among `labels`. */
  labels(labels: Readonly<Record<string, string>>): boolean {
    return this.get("label").every((wanted) => hasLabel(labels, wanted))
  }

  /** Whether none of the unwanted labels (`label!`) is among `labels`. */
  withoutLabels(labels: Readonly<Record<string, string>>): boolean {
    return this.get("label!").every((unwanted) => !hasLabel(labels, unwanted))
  }

  /** Whether a name matches: by substring or regular expression. */
  name(name: string): boolean {
    return this.any("name", (value) => {
      try {
        return new RegExp(value).test(name)
      } catch {
        return name.includes(value)
      }
    })
  }

  /** `until` as nanoseconds since the epoch: only objects created before it match. */
  until(now: bigint, status = 400): Either.Either<bigint | undefined, ErrorResponse> {
    const [value, second] = this.get("until")
    if (value === undefined) return Either.right(undefined)
    if (second !== undefined) return Either.left(errorResponse(status, "more than one until filter specified"))
    const nanos = parseTimestampOrDuration(value, now)
    return nanos === undefined
      ? Either.left(errorResponse(status, `failed to parse value as time or duration: "${value}"`))
      : Either.right(nanos)
  }

  boolean(key: string): Either.Either<boolean | undefined, ErrorResponse> {
    const [value] = this.get(key)
    if (value === undefined) return Either.right(undefined)
    if (["1", "true"].includes(value)) return Either.right(true)
    if (["0", "false"].includes(value)) return Either.right(false)
    return Either.left(errorResponse(400, `invalid filter '${key}=[${value}]'`))
  }
}

const hasLabel = (labels: Readonly<Record<string, string>>, wanted: string): boolean => {
  const at = wanted.indexOf("=")
  return at < 0 ? Object.hasOwn(labels, wanted) : labels[wanted.slice(0, at)] === wanted.slice(at + 1)
}
