import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as FiberHandle from "effect/FiberHandle"
import * as Scope from "effect/Scope"
import type { HubShape } from "../../rooms/Hub.js"
import type { Membership } from "../../rooms/Membership.js"

/** What is read for one client in one room: one thing at a time, until it is closed. */
export class RoomReading {
  private constructor(
    private readonly hub: HubShape,
    private readonly scope: Scope.CloseableScope,
    private readonly reading: FiberHandle.FiberHandle<void>,
    private readonly runRejoin: (rejoin: Effect.Effect<void>) => void
  ) {}

  /** Lives until it is closed or the surrounding scope is. */
  static readonly make = (hub: HubShape): Effect.Effect<RoomReading, never, Scope.Scope> =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      const [reading, run] = yield* Scope.extend(
        Effect.all([FiberHandle.make<void>(), FiberHandle.makeRuntime<never, never, void>()]),
        scope
      )
      return new RoomReading(hub, scope, reading, (rejoin) => {
        // It starts asynchronously: the room is being published to.
        run(rejoin, { immediate: false })
      })
    })

  /** Interrupts what is still being read. */
  get close(): Effect.Effect<void> {
    return Scope.close(this.scope, Exit.void)
  }

  /** Starts to read, in place of what is still being read. */
  start(read: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.asVoid(FiberHandle.run(this.reading, read))
  }

  /** The ring no longer has the next event for the client: leaves the room, and joins it again at the client's position. */
  rejoin(membership: Membership, join: (requestedRoom: string, position: string) => Effect.Effect<void>): void {
    membership.suspended = true
    const { ring, viewer } = membership
    this.runRejoin(
      Effect.flatMap(viewer.whenWritable, () => {
        if (!viewer.has(membership)) return Effect.void
        const { position, requestedRoom } = membership
        this.hub.leave(viewer, ring.room)
        return join(requestedRoom, position)
      })
    )
  }
}
