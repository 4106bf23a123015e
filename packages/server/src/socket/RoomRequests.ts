import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { RunFork } from "./OneFiber.js"

/** The requests about one room. */
interface Lane {
  readonly turn: Effect.Semaphore
  readonly requests: Set<number>
}

/** Runs the requests of one client: those about one room one after another, those about different rooms concurrently. */
export class RoomRequests {
  private readonly lanes = new Map<string, Lane>()
  private readonly fibers = new Map<number, Fiber.RuntimeFiber<void>>()
  private last = 0
  private isClosed = false

  constructor(private readonly runFork: RunFork) {}

  /** Interrupts all requests, and starts no more. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isClosed = true
      return Fiber.interruptAll([...this.fibers.values()])
    })
  }

  /** Numbers a request: 1, 2, 3, ... */
  next(): number {
    return ++this.last
  }

  /** Starts a request, which waits for the earlier ones about the room. Calls `onEnd` when it has ended, however it did. */
  start(number: number, room: string, request: Effect.Effect<void>, onEnd: () => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.isClosed) return Effect.interrupt
      const lane = this.enter(number, room)
      const fiber = this.runFork(lane.turn.withPermits(1)(request))
      this.fibers.set(number, fiber)
      fiber.addObserver(() => {
        this.fibers.delete(number)
        this.exit(number, room)
        onEnd()
      })
      return Effect.void
    })
  }

  /** Continues a running request in the turn of another room: the one that its container turned out to have. */
  inTurnOf(number: number, room: string, request: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.lanes.get(room)?.requests.has(number) === true) return request
      return Effect.acquireUseRelease(
        Effect.sync(() => this.enter(number, room)),
        (lane) => lane.turn.withPermits(1)(request),
        () => Effect.sync(() => this.exit(number, room))
      )
    })
  }

  /** Interrupts all requests about the room. */
  cancel(room: string): Effect.Effect<void> {
    return Effect.suspend(() =>
      Fiber.interruptAll([...(this.lanes.get(room)?.requests ?? [])].flatMap((number) => this.fibers.get(number) ?? []))
    )
  }

  private enter(number: number, room: string): Lane {
    const lane = this.lanes.get(room) ?? { turn: Effect.unsafeMakeSemaphore(1), requests: new Set() }
    this.lanes.set(room, lane)
    lane.requests.add(number)
    return lane
  }

  private exit(number: number, room: string): void {
    const lane = this.lanes.get(room)
    if (lane === undefined) return
    lane.requests.delete(number)
    if (lane.requests.size === 0) this.lanes.delete(room)
  }
}
