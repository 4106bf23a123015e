/**
 * Delivers frames to one connection. A viewer has no queue, only a place in the ring of each of its rooms. While no write is
 * pending, an event is sent at once. While one is, the viewer is paused; when it completes, the events that arrived in the
 * meantime are sent in as few frames as possible.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ServerMessage } from "../Wire.js"
import { CloseCode } from "../Wire.js"
import type { Membership } from "./Membership.js"
import type { Ring } from "./Ring.js"

/**
 * The connection under a viewer.
 *
 * @since 0.1.0
 * @category models
 */
export interface ViewerTransport {
  /** Writes a frame. Calls `done` once, when the frame has been written to the network or never will be. */
  readonly send: (frame: Buffer, done: () => void) => void
  /** Closes the connection with a WebSocket close code and reason. */
  readonly close: (code: number, reason: string) => void
}

/**
 * When a viewer is too slow and is closed with 4008.
 *
 * @since 0.1.0
 * @category models
 */
export interface ViewerLimits {
  /** Bytes that may be pending when another frame is written. */
  readonly hardBytes: number
  /** Milliseconds without progress while a write is pending. */
  readonly stall: number
}

/**
 * One connection and its rooms.
 *
 * @since 0.1.0
 * @category models
 */
export class Viewer {
  private readonly byRoom = new Map<string, Membership>()
  private readonly waiting = new Set<Membership>()
  private readonly writableListeners = new Set<() => void>()
  private pendingBytes = 0
  private lastProgress = 0
  /** How many events it was sent from the rings of its rooms. */
  sentEvents = 0
  /** Whether the connection is closed or closing. */
  closed = false
  /**
   * Called when a room's ring has already evicted the next event of this viewer. Return true to take over: the membership must
   * then be suspended and fed from elsewhere. On false, the default, the connection is closed so that the client reconnects
   * with its position.
   */
  onOverrun: (membership: Membership) => boolean = () => false

  constructor(
    private readonly transport: ViewerTransport,
    private readonly limits: ViewerLimits,
    private readonly onProgress: (ring: Ring) => void
  ) {}

  /** How many rooms the viewer is in. */
  get roomCount(): number {
    return this.byRoom.size
  }

  /** Whether a write is pending. */
  get isBusy(): boolean {
    return this.pendingBytes > 0
  }

  get memberships(): ReadonlyArray<Membership> {
    return [...this.byRoom.values()]
  }

  membership(room: string): Membership | undefined {
    return this.byRoom.get(room)
  }

  /** Whether this membership is still current: false once the viewer left the room, even if it joined again. */
  has(membership: Membership): boolean {
    return !this.closed && this.byRoom.get(membership.ring.room) === membership
  }

  add(membership: Membership): void {
    this.byRoom.set(membership.ring.room, membership)
  }

  remove(room: string): Membership | undefined {
    const membership = this.byRoom.get(room)
    if (membership === undefined) return undefined
    this.byRoom.delete(room)
    this.waiting.delete(membership)
    return membership
  }

  /** Sends a message that is not part of a room's history, ahead of anything that waits in a ring. */
  send(message: ServerMessage): void {
    this.write(Buffer.from(JSON.stringify([message])))
  }

  /** Writes an encoded frame. */
  write(frame: Buffer): void {
    if (this.closed) return
    if (this.pendingBytes > this.limits.hardBytes) return this.closeTooSlow()
    if (this.pendingBytes === 0) this.lastProgress = Date.now()
    this.pendingBytes += frame.length
    this.transport.send(frame, () => {
      this.pendingBytes -= frame.length
      this.lastProgress = Date.now()
      if (this.pendingBytes === 0) this.flush()
    })
  }

  /** The room's ring has new events. */
  notify(membership: Membership): void {
    if (this.closed || membership.suspended) return
    if (this.pendingBytes > 0) this.waiting.add(membership)
    else this.feed(membership)
  }

  /** Resumes delivery from the ring at `next`; `position` is the position before it. */
  resume(membership: Membership, next: number, position: string): void {
    const { ring } = membership
    if (!this.has(membership)) return
    membership.next = next
    membership.position = position
    membership.suspended = false
    this.notify(membership)
    // Also if there was nothing to write: the room may be waiting for a viewer that keeps up.
    this.onProgress(ring)
  }

  /** Completes when no write is pending or the connection is closed. Readers of history await it between frames. */
  readonly whenWritable: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.closed || this.pendingBytes === 0) return resume(Effect.void)
    const listener = () => resume(Effect.void)
    this.writableListeners.add(listener)
    return Effect.sync(() => this.writableListeners.delete(listener))
  })

  /** Closes the connection if a write has been pending without progress for too long. */
  checkStall(now: number): void {
    if (!this.closed && this.pendingBytes > 0 && now - this.lastProgress > this.limits.stall) this.closeTooSlow()
  }

  close(code: number, reason: string): void {
    if (this.closed) return
    this.markClosed()
    this.transport.close(code, reason)
  }

  /** Stops all delivery: the connection is gone. */
  markClosed(): void {
    this.closed = true
    this.waiting.clear()
    this.notifyWritable()
  }

  private closeTooSlow(): void {
    this.close(CloseCode.tooSlow, "reading too slowly: reconnect and resume")
  }

  private feed(membership: Membership): void {
    const { ring } = membership
    if (membership.next < ring.oldest) {
      if (!this.onOverrun(membership)) this.closeTooSlow()
      return
    }
    const frame = ring.frame(membership.next)
    if (frame === undefined) return
    this.sentEvents += frame.next - membership.next
    membership.next = frame.next
    membership.position = frame.position
    membership.hasDelivered = true
    if (frame.next <= ring.seq) this.waiting.add(membership)
    this.write(frame.bytes)
    this.onProgress(ring)
  }

  private flush(): void {
    this.notifyWritable()
    for (const membership of this.waiting) {
      if (this.pendingBytes > 0) return
      this.waiting.delete(membership)
      this.feed(membership)
    }
  }

  private notifyWritable(): void {
    for (const listener of this.writableListeners) listener()
    this.writableListeners.clear()
  }
}
