import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import type * as Scope from "effect/Scope"

/** The requests about one room. */
interface Lane {
  readonly turn: Effect.Semaphore
  readonly requests: Set<number>
}

/** Runs the requests of one client: those about one room one after another, those about different rooms concurrently. */
export class RoomRequests {
  private readonly lanes = new Map<string, Lane>()
  private last = 0

  private constructor(private readonly fibers: FiberMap.FiberMap<number, void>) {}

  static readonly make: Effect.Effect<RoomRequests, never, Scope.Scope> = Effect.map(
    FiberMap.make<number, void>(),
    (fibers) => new RoomRequests(fibers)
  )

  /** Numbers a request: 1, 2, 3, ... */
  next(): number {
    return ++this.last
  }

  /** Starts a request, which waits for the earlier ones about the room. Calls `onEnd` when it has ended, however it did. */
  start(number: number, room: string, request: Effect.Effect<void>, onEnd: () => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      const lane = this.enter(number, room)
      return Effect.map(FiberMap.run(this.fibers, number, lane.turn.withPermits(1)(request)), (fiber) => {
        fiber.addObserver(() => {
          this.exit(number, room)
          onEnd()
        })
      })
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
      Effect.forEach([...(this.lanes.get(room)?.requests ?? [])], (number) => FiberMap.remove(this.fibers, number), {
        discard: true,
        concurrency: "unbounded"
      })
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
