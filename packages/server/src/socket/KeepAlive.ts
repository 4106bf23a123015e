import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Writable } from "node:stream"
import type { WebSocket } from "ws"
import { textFrame } from "./textFrame.js"

/** How many consecutive pings may go unanswered. */
const maxUnanswered = 1
/** The same after a write that had to wait: the pong arrives only after everything that is still buffered on the way. */
const maxUnansweredWhenSlow = 5

const heartbeat = Buffer.from("[]")

/**
 * Detects dead connections with pings, and lets clients detect them with heartbeats. No pings are sent while a write is pending: how long a write may take is decided by
 * `ViewerLimits`. A completed write counts as an answer if it had to wait, since the peer must have read something.
 */
export class KeepAlive {
  private unanswered = 0
  private pendingWrites = 0
  private slow = false
  /** When a frame was last passed on to the network, in milliseconds. */
  private lastSend = 0

  constructor(
    private readonly socket: WebSocket,
    /** The connection under it. */
    private readonly stream: Writable
  ) {
    socket.on("pong", () => {
      this.unanswered = 0
      this.slow = false
    })
  }

  /** Sends a frame. Calls `done` once, when the frame has been written to the network or never will be. */
  send(frame: Buffer, done: () => void): void {
    this.pendingWrites++
    this.lastSend = Date.now()
    let hadToWait = false
    const written = (error?: Error | null) => {
      this.pendingWrites--
      this.lastSend = Date.now()
      if (hadToWait && !error) {
        this.unanswered = 0
        this.slow = true
      }
      done()
    }
    // `ws` has no extension to apply and no queue of its own here, and would write header and payload apart.
    if (this.socket.readyState === this.socket.OPEN) this.stream.write(textFrame(frame), written)
    else this.socket.send(frame, { binary: false }, written)
    hadToWait = this.socket.bufferedAmount > 0
  }

  /** Pings at this interval for as long as the scope is open, and terminates the connection once it is dead. */
  pingEvery(milliseconds: number): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => setInterval(() => this.ping(), milliseconds).unref()),
        (timer) => Effect.sync(() => clearInterval(timer))
      )
    )
  }

  /**
   * Sends an empty frame now, and again whenever nothing was sent for this long, for as long as the scope is open. Clients
   * rely on it to detect a dead connection, because browsers do not show them pings.
   */
  heartbeatEvery(milliseconds: number): Effect.Effect<void, never, Scope.Scope> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const wait = (delay: number): void => {
      timer = setTimeout(beat, delay).unref()
    }
    const beat = (): void => {
      const left = this.lastSend + milliseconds - Date.now()
      if (left > 0) return wait(left)
      if (this.pendingWrites === 0) this.send(heartbeat, () => {})
      wait(milliseconds)
    }
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          this.send(heartbeat, () => {})
          wait(milliseconds)
        }),
        () => Effect.sync(() => clearTimeout(timer))
      )
    )
  }

  private ping(): void {
    if (this.pendingWrites > 0) return
    if (this.unanswered >= (this.slow ? maxUnansweredWhenSlow : maxUnanswered)) return this.socket.terminate()
    this.unanswered++
    this.socket.ping()
  }
}
