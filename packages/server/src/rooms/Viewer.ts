/**
 * What goes out to one connection. A viewer has no queue: it has a place in each of its rooms' rings. While nothing is
 * being written, an event goes out at once; while something is, the viewer is paused, and what came meanwhile goes out
 * as few frames when the write is done.
 */
import * as Effect from "effect/Effect"
import type { Ring } from "./Ring.js"
import type { ServerMessage } from "../Wire.js"
import { CloseCode } from "../Wire.js"

/** A connection, as far as a viewer needs one. */
export interface ViewerTransport {
  /** Hands a frame over; `done` is called once, when it has left for the network or can no longer. */
  readonly send: (frame: Buffer, done: () => void) => void
  readonly close: (code: number, reason: string) => void
}

/** When a viewer is too slow. */
export interface ViewerLimits {
  /** Bytes handed over and not written, at which the viewer is given up. */
  readonly hardBytes: number
  /** Milliseconds that one write may take before the viewer is given up. */
  readonly stall: number
}

/** A viewer's place in a room. */
export interface Membership {
  readonly viewer: Viewer
  readonly ring: Ring
  /** The first `seq` that belongs to the viewer without being asked for. */
  readonly joinedAt: number
  /** The room as the viewer named it. */
  asked: string
  /** The `seq` of the next event to go out. */
  next: number
  /** Held while older history is being read for the viewer: the room's own events wait in the ring. */
  held: boolean
  /** Whether anything of the room has gone out since the viewer joined. */
  delivered: boolean
  /** Up to where the viewer has the room, as the wire has it: right before `next`, or within the history while it is held. */
  position: string
}

/** One connection's way out. */
export class Viewer {
  private readonly memberships = new Map<string, Membership>()
  private readonly waiting = new Set<Membership>()
  private readonly writable = new Set<() => void>()
  private pendingBytes = 0
  private writingSince = 0
  closed = false
  /**
   * Called when a room's ring no longer has what comes next for the viewer. True: it is held, and what it missed is got
   * from elsewhere. False, as by default: the connection is closed, and the client comes back with its position.
   */
  onOvertaken: (membership: Membership) => boolean = () => false

  constructor(
    private readonly transport: ViewerTransport,
    private readonly limits: ViewerLimits,
    private readonly onProgress: (ring: Ring) => void
  ) {}

  get rooms(): number {
    return this.memberships.size
  }

  membership(room: string): Membership | undefined {
    return this.memberships.get(room)
  }

  get all(): ReadonlyArray<Membership> {
    return [...this.memberships.values()]
  }

  /** Whether it is in this room still, and by this very joining. */
  has(membership: Membership): boolean {
    return !this.closed && this.memberships.get(membership.ring.room) === membership
  }

  add(membership: Membership): void {
    this.memberships.set(membership.ring.room, membership)
  }

  remove(room: string): Membership | undefined {
    const membership = this.memberships.get(room)
    if (membership === undefined) return undefined
    this.memberships.delete(room)
    this.waiting.delete(membership)
    return membership
  }

  /** Sends a message that belongs to no room's history, at once and before anything that waits in a ring. */
  send(message: ServerMessage): void {
    this.write(Buffer.from(JSON.stringify([message])))
  }

  /** Hands a whole frame over. */
  write(frame: Buffer): void {
    if (this.closed) return
    if (this.pendingBytes > this.limits.hardBytes) return this.giveUp()
    if (this.pendingBytes === 0) this.writingSince = Date.now()
    this.pendingBytes += frame.length
    this.transport.send(frame, () => {
      this.pendingBytes -= frame.length
      this.writingSince = Date.now()
      if (this.pendingBytes === 0) this.resume()
    })
  }

  /** There is something new in the ring. */
  notify(membership: Membership): void {
    if (this.closed || membership.held) return
    if (this.pendingBytes > 0) this.waiting.add(membership)
    else this.feed(membership)
  }

  /** Lets a held membership go on from `next`; `position` is the one right before. */
  release(membership: Membership, next: number, position: string): void {
    const { ring } = membership
    if (!this.has(membership)) return
    membership.next = next
    membership.position = position
    membership.held = false
    this.notify(membership)
    // Also where there is nothing to write yet: who waits for a viewer that keeps up has one now.
    this.onProgress(ring)
  }

  /** Done when nothing is being written any more, or the connection is gone: the pace of who reads history for it. */
  readonly whenWritable: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.closed || this.pendingBytes === 0) return resume(Effect.void)
    const ready = () => resume(Effect.void)
    this.writable.add(ready)
    return Effect.sync(() => this.writable.delete(ready))
  })

  /** Gives the viewer up when its write has stood still for too long. */
  checkStall(now: number): void {
    if (!this.closed && this.pendingBytes > 0 && now - this.writingSince > this.limits.stall) this.giveUp()
  }

  /** Closes the connection so that the client comes back and resumes. */
  giveUp(): void {
    this.close(CloseCode.tooSlow, "too slow: come back and resume")
  }

  close(code: number, reason: string): void {
    if (this.closed) return
    this.end()
    this.transport.close(code, reason)
  }

  /** The connection is gone. */
  end(): void {
    this.closed = true
    this.waiting.clear()
    this.wake()
  }

  private feed(membership: Membership): void {
    const { ring } = membership
    if (membership.next < ring.oldest) {
      if (!this.onOvertaken(membership)) this.giveUp()
      return
    }
    const frame = ring.frame(membership.next)
    if (frame === undefined) return
    membership.next = frame.next
    membership.position = frame.position
    membership.delivered = true
    if (frame.next <= ring.seq) this.waiting.add(membership)
    this.write(frame.bytes)
    this.onProgress(ring)
  }

  private resume(): void {
    this.wake()
    for (const membership of this.waiting) {
      if (this.pendingBytes > 0) return
      this.waiting.delete(membership)
      this.feed(membership)
    }
  }

  private wake(): void {
    for (const ready of this.writable) ready()
    this.writable.clear()
  }
}
