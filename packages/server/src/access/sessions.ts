/** What is given out in exchange for a token: sessions, and tickets for WebSockets. Both are valid as long as the token is. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { Endings } from "./tokens/Endings.js"

/** How long a session lasts, in seconds. */
export const sessionSeconds = 30 * 24 * 60 * 60

/** How long a ticket is valid, in seconds. */
export const ticketSeconds = 30

const maxTickets = 1_000

const isEqual = (left: string, right: string): boolean =>
  timingSafeEqual(createHash("sha256").update(left).digest(), createHash("sha256").update(right).digest())

/** Where something was obtained from. */
export interface Source {
  /** The id of the token. */
  readonly tokenId: string
  /** The session, if there was one. */
  readonly session?: string
}

/** One-time tickets. When there are too many, the oldest is dropped. */
export class Tickets {
  private readonly issued = new Map<string, { readonly expiry: number; readonly source: Source }>()

  issue(source: Source, now: number): string {
    for (const [ticket, { expiry }] of this.issued) if (expiry < now) this.issued.delete(ticket)
    if (this.issued.size >= maxTickets) {
      const [oldest] = this.issued.keys()
      if (oldest !== undefined) this.issued.delete(oldest)
    }
    const ticket = randomBytes(24).toString("base64url")
    this.issued.set(ticket, { expiry: now + ticketSeconds * 1000, source })
    return ticket
  }

  redeem(ticket: string, now: number): Source | undefined {
    const found = this.issued.get(ticket)
    this.issued.delete(ticket)
    return found !== undefined && found.expiry >= now ? found.source : undefined
  }
}

/**
 * Sessions: `<expiry>.<nonce>.<signature>`, or `<expiry>.<nonce>.<token id>.<signature>` for another token than the server's
 * own, signed with a key derived from that one. So a session survives a restart of the server, becomes invalid with the
 * token, and does not reveal it. Sessions closed before they expire are kept in memory.
 */
export class Sessions {
  private readonly closed = new Map<string, number>()
  private readonly endings = new Endings()
  private readonly key: Buffer
  /** Differs between servers with different tokens. */
  readonly id: string

  constructor(token: string) {
    this.key = createHmac("sha256", token).update("dockwire session").digest()
    this.id = this.sign("name of the cookie").slice(0, 8)
  }

  open(tokenId: string, now: number): string {
    const nonce = randomBytes(16).toString("base64url")
    const suffix = tokenId === "" ? "" : `.${tokenId}`
    const content = `${Math.floor(now / 1000) + sessionSeconds}.${nonce}${suffix}`
    return `${content}.${this.sign(content)}`
  }

  /** What an open session was opened with. */
  find(value: string, now: number): Source | undefined {
    const [expiry = "", session = "", ...rest] = value.split(".")
    const [tokenId = "", signature = ""] = rest.length === 1 ? ["", ...rest] : rest
    if (rest.length > 2 || !isEqual(signature, this.sign(value.slice(0, value.lastIndexOf("."))))) return undefined
    return Number(expiry) > now / 1000 && !this.closed.has(session) ? { tokenId, session } : undefined
  }

  close(value: string, now: number): void {
    const session = this.find(value, now)?.session
    if (session === undefined) return
    for (const [nonce, expiry] of this.closed) if (expiry < now / 1000) this.closed.delete(nonce)
    this.closed.set(session, Number(value.split(".")[0]))
    this.endings.end(session)
  }

  /** Calls `end` when the session is closed. Returns what forgets it again. */
  onEnd(session: string, end: () => void): () => void {
    return this.endings.add(session, end)
  }

  private sign(content: string): string {
    return createHmac("sha256", this.key).update(content).digest("base64url")
  }
}
