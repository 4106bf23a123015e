import * as Either from "effect/Either"
import type { DockerRequest } from "../../Docker.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { parseUnixTimestamp } from "../time/timestamps.js"
import { Filters, parseFilters } from "./filters.js"

/** The query of a request, with the engine's parsing rules. */
export class Query {
  readonly #values: ReadonlyMap<string, ReadonlyArray<string>>

  constructor(query: NonNullable<DockerRequest["query"]>) {
    this.#values = new Map(
      Object.entries(query).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, typeof value === "object" ? value : [String(value)]]]
      )
    )
  }

  /** Every value of a parameter. */
  texts(key: string): ReadonlyArray<string> {
    return this.#values.get(key) ?? []
  }

  text(key: string): string | undefined {
    return this.texts(key)[0]
  }

  flag(key: string): boolean {
    return !["", "0", "no", "false", "none"].includes((this.text(key) ?? "").trim().toLowerCase())
  }

  /** An integer. `status` is that of the error for anything else. */
  integer(key: string, status = 400): Either.Either<number | undefined, ErrorResponse> {
    const text = this.text(key)
    if (text === undefined || text === "") return Either.right(undefined)
    return /^[+-]?\d+$/.test(text)
      ? Either.right(Number(text))
      : Either.left(errorResponse(status, `strconv.Atoi: parsing "${text}": invalid syntax`))
  }

  /** Seconds since the epoch, as nanoseconds. */
  timestamp(key: string): Either.Either<bigint | undefined, ErrorResponse> {
    const text = this.text(key)
    const nanos = parseUnixTimestamp(text)
    return nanos === "invalid"
      ? Either.left(errorResponse(500, `strconv.ParseInt: parsing "${text}": invalid syntax`))
      : Either.right(nanos)
  }

  /** The filters. Keys that are not in `known` are refused; without it, any key is accepted. */
  filters(known?: ReadonlyArray<string>): Either.Either<Filters, ErrorResponse> {
    const text = this.text("filters")
    if (text === undefined || text === "") return Either.right(new Filters({}))
    const values = parseFilters(text)
    if (values === undefined) return Either.left(errorResponse(400, "invalid filter"))
    const unknown = known === undefined ? undefined : Object.keys(values).find((key) => !known.includes(key))
    return unknown === undefined
      ? Either.right(new Filters(values))
      : Either.left(errorResponse(400, `invalid filter '${unknown}'`))
  }
}
