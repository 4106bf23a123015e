import type { Writable } from "node:stream"
import type { WebSocket } from "ws"
import { textFrame } from "./textFrame.js"

/** How many consecutive pings may go unanswered. */
const maxUnanswered = 1
/** The same after a write that had to wait: the pong arrives only after everything that is still buffered on the way. */
const maxUnansweredWhenSlow = 5

const emptyFrame = Buffer.from("[]")
const nothing = () => {}

/** How often a connection shows that it is alive, in milliseconds. */
export interface KeepAliveIntervals {
  readonly ping: number
  readonly heartbeat: number
}

/**
 * Detects dead connections with pings, and lets clients detect them with heartbeats. No pings are sent while a write is pending: how long a write may take is decided by
 * `ViewerLimits`. A completed write counts as an answer if it had to wait, since the peer must have read something.
 */
export class KeepAlive {
  private pings: ReturnType<typeof setInterval> | undefined
  private beats: ReturnType<typeof setTimeout> | undefined
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

  /**
   * Pings at this interval, and terminates the connection once it is dead. Sends an empty frame now, and again whenever nothing
   * was sent for as long as `heartbeat`: clients rely on it to detect a dead connection, because browsers do not show them pings.
   */
  start({ heartbeat, ping }: KeepAliveIntervals): void {
    this.pings = setInterval(() => this.ping(), ping).unref()
    this.send(emptyFrame, nothing)
    this.beatAfter(heartbeat, heartbeat)
  }

  stop(): void {
    clearInterval(this.pings)
    clearTimeout(this.beats)
  }

  private beatAfter(delay: number, heartbeat: number): void {
    this.beats = setTimeout(() => {
      const left = this.lastSend + heartbeat - Date.now()
      if (left > 0) return this.beatAfter(left, heartbeat)
      if (this.pendingWrites === 0) this.send(emptyFrame, nothing)
      this.beatAfter(heartbeat, heartbeat)
    }, delay).unref()
  }

  private ping(): void {
    if (this.pendingWrites > 0) return
    if (this.unanswered >= (this.slow ? maxUnansweredWhenSlow : maxUnanswered)) return this.socket.terminate()
    this.unanswered++
    this.socket.ping()
  }
}
