/** The 429 response to a token that comes too early after wrong ones. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { TooManyAttempts } from "./TokenAttempts.js"

/** Says in how many seconds the next token may be presented, also as `Retry-After`. */
export const tooManyAttempts = ({ _tag, retryAfter }: TooManyAttempts): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(
    {
      _tag,
      message: `Too many wrong tokens came from this address. Try again in ${retryAfter} ${retryAfter === 1 ? "second" : "seconds"}.`
    },
    { status: 429, headers: { "retry-after": String(retryAfter), "cache-control": "no-store" } }
  )
