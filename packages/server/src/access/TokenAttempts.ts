/** Slows down clients that present wrong tokens. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isIPv4, isIPv6 } from "node:net"
import type { Authenticated, AuthShape, CredentialHeaders } from "./Auth.js"
import type { AccessToken } from "./tokens/Tokens.js"

/** How many wrong tokens an address may present before it has to wait. */
const freeAttempts = 10

/** The longest wait, in seconds. The first is one second, and each further wrong token doubles it. */
const longestWait = 60

/** An address that presents no wrong token for this long starts over, in milliseconds. */
const forgetAfter = 15 * 60 * 1000

/** Of how many addresses wrong tokens are counted. Of more, those whose last attempt is the longest ago are forgotten. */
const maxAddresses = 10_000

/** A request, as far as it matters for who gets in. */
export interface Attempt {
  readonly headers: CredentialHeaders
  /** The address of the other end of the connection. */
  readonly peer: string | undefined
}

/** The first half of an IPv6 address: one client often has all addresses that begin with it. */
const network = (address: string): string => {
  const [head = "", tail] = address.split("%", 1).join().split("::")
  const first = head === "" ? [] : head.split(":")
  const last = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length)
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")
}

const bare = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/i, "")

/**
 * The address that a request comes from. A proxy on this machine tells that of its client in `X-Forwarded-For`, as the last
 * one; what other peers write there is not believed.
 */
export const clientAddress = ({ headers, peer = "" }: Attempt): string => {
  const direct = bare(peer)
  const isLocal = direct.startsWith("127.") || direct === "::1" || direct === ""
  const forwarded = isLocal ? bare([headers["x-forwarded-for"] ?? ""].flat().join().split(",").at(-1) ?? "") : ""
  return isIPv4(forwarded) || isIPv6(forwarded) ? forwarded : direct
}

/** The address that an attempt counts for. */
export const addressOf = (attempt: Attempt): string => {
  const address = clientAddress(attempt)
  return isIPv6(address) && address !== "::1" ? network(address) : address
}

/** The refusal of an attempt that comes too early. */
export interface TooManyAttempts {
  readonly _tag: "TooManyAttempts"
  /** Seconds until the next attempt. */
  readonly retryAfter: number
}

/** Counts the wrong tokens of each address. Times are in milliseconds. */
export class AttemptCounter {
  readonly #failures = new Map<string, { readonly count: number; readonly at: number }>()

  /** Why this address may not present a token now; `undefined` if it may. */
  refusal(address: string, now: number): TooManyAttempts | undefined {
    const { at, count } = this.#failures.get(address) ?? { at: 0, count: 0 }
    if (count < freeAttempts) return undefined
    const wait = Math.min(2 ** (count - freeAttempts), longestWait) * 1000
    const remaining = at + wait - now
    return remaining > 0 ? { _tag: "TooManyAttempts", retryAfter: Math.ceil(remaining / 1000) } : undefined
  }

  /** Counts a wrong token. */
  failed(address: string, now: number): void {
    const before = this.#failures.get(address)
    const count = before === undefined || now - before.at > forgetAfter ? 0 : before.count
    // Moves it to the end, so that the first one is that of the oldest attempt.
    this.#failures.delete(address)
    this.#failures.set(address, { count: count + 1, at: now })
    if (this.#failures.size <= maxAddresses) return
    const [oldest] = this.#failures.keys()
    if (oldest !== undefined) this.#failures.delete(oldest)
  }

  /** Forgets the wrong tokens of an address that has presented the right one. */
  succeeded(address: string): void {
    this.#failures.delete(address)
  }

  /** Of how many addresses wrong tokens are counted. */
  get size(): number {
    return this.#failures.size
  }
}

/** The operations of `TokenAttempts`. */
export interface TokenAttemptsShape {
  /** Judges a token that an attempt presents, which is `undefined` if it is wrong. */
  readonly judge: (attempt: Attempt, token: () => AccessToken | undefined) => AccessToken | TooManyAttempts | undefined
  /**
   * As `Auth.check`, but an address that has presented too many wrong tokens has to wait. That does not concern sessions and
   * tickets: whoever has one gets in.
   */
  readonly check: (
    auth: AuthShape,
    attempt: Attempt,
    ticket?: string
  ) => Effect.Effect<Authenticated | TooManyAttempts | undefined>
}

const make = (): TokenAttemptsShape => {
  const counter = new AttemptCounter()
  const judge: TokenAttemptsShape["judge"] = (attempt, token) => {
    const address = addressOf(attempt)
    const now = Date.now()
    const refusal = counter.refusal(address, now)
    if (refusal !== undefined) return refusal
    const found = token()
    if (found === undefined) counter.failed(address, now)
    else counter.succeeded(address)
    return found
  }
  return {
    judge,
    check: (auth, attempt, ticket) =>
      Effect.gen(function* () {
        const { headers } = attempt
        if (!auth.presentsToken(headers)) return yield* auth.check(headers, ticket)
        const token = auth.tokenIn(headers)
        const other = auth.check(auth.withoutToken(headers), ticket)
        // A proxy may add a token of its own to the requests of a session, which is no attempt to get in.
        const allowed = token === undefined ? yield* other : undefined
        if (allowed !== undefined) return allowed
        const judged = judge(attempt, () => token)
        if (judged === undefined) return undefined
        if ("id" in judged) return { _tag: "Authenticated", credential: "token", token: judged } as const
        return token === undefined ? judged : ((yield* other) ?? judged)
      })
  }
}

/** Slows down clients that present wrong tokens. */
export class TokenAttempts extends Context.Tag("@dockwire/server/TokenAttempts")<TokenAttempts, TokenAttemptsShape>() {
  /** Counts in memory. */
  static readonly layer: Layer.Layer<TokenAttempts> = Layer.sync(TokenAttempts, make)
}
