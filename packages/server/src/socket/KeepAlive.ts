/** Whether there is still somebody at the other end of a connection. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { WebSocket } from "ws"

/** How many pings may go unanswered. */
const patience = 1
/** The same for one whose buffers were full: its pong comes behind all that lies in them. */
const slowPatience = 5

/**
 * Pings; one that has not answered by the time of the next is dead. While a write waits for the other end, how long that
 * may take is the viewer's to say; and once such a write is done, the other end has read something, which is an answer too.
 */
export class KeepAlive {
  private unanswered = 0
  private writing = 0
  private slow = false

  constructor(private readonly socket: WebSocket) {
    socket.on("pong", () => {
      this.unanswered = 0
      this.slow = false
    })
  }

  /** Sends a frame; `done` is called once, when it has left for the network or can no longer. */
  send(frame: Buffer, done: () => void): void {
    this.writing++
    let waits = false
    this.socket.send(frame, { binary: false }, (error) => {
      this.writing--
      if (waits && !error) {
        this.unanswered = 0
        this.slow = true
      }
      done()
    })
    waits = this.socket.bufferedAmount > 0
  }

  private ping(): void {
    if (this.writing > 0) return
    if (this.unanswered >= (this.slow ? slowPatience : patience)) return this.socket.terminate()
    this.unanswered++
    this.socket.ping()
  }

  /** Pings every so many milliseconds, as long as the scope is open. */
  pingEvery(milliseconds: number): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => setInterval(() => this.ping(), milliseconds).unref()),
        (timer) => Effect.sync(() => clearInterval(timer))
      )
    )
  }
}
