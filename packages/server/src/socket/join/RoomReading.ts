import * as Effect from "effect/Effect"
import type { HubShape } from "../../rooms/Hub.js"
import type { Membership } from "../../rooms/Membership.js"
import { OneFiber, type RunFork } from "../OneFiber.js"

/** What is read for one client in one room: one thing at a time, until it is closed. */
export class RoomReading {
  private readonly reading: OneFiber
  private readonly rejoining: OneFiber

  constructor(
    private readonly hub: HubShape,
    runFork: RunFork
  ) {
    this.reading = new OneFiber(runFork)
    this.rejoining = new OneFiber(runFork)
  }

  /** Interrupts what is still being read, and reads nothing more. */
  get close(): Effect.Effect<void> {
    return Effect.zipRight(this.rejoining.close, this.reading.close)
  }

  /** Starts to read, in place of what is still being read. */
  start(read: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.sync(() => this.reading.run(read))
  }

  /** The ring no longer has the next event for the client: leaves the room, and joins it again at the client's position. */
  rejoin(membership: Membership, join: (requestedRoom: string, position: string) => Effect.Effect<void>): void {
    membership.suspended = true
    const { ring, viewer } = membership
    const rejoin = Effect.flatMap(viewer.whenWritable, () => {
      if (!viewer.has(membership)) return Effect.void
      const { position, requestedRoom } = membership
      this.hub.leave(viewer, ring.room)
      return join(requestedRoom, position)
    })
    // It starts asynchronously: the room is being published to.
    this.rejoining.run(rejoin, { immediate: false })
  }
}
