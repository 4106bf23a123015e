import type { OperationEvent } from "@dockwire/core"
import { type HistoryItem, HistoryUnavailable, type LostEvents, type OperationHistoryShape } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { operationRooms } from "../../packages/server/src/rooms/events/operationEvents.js"

/** A history of operations that survives the servers that use it, for tests of what rooms do with one. */
export class MemoryHistory implements OperationHistoryShape {
  readonly items: Array<Exclude<HistoryItem, LostEvents>> = []
  private order = 0
  /** The size of the batches of a read. */
  batch = 1_000
  /** Whether reads fail. */
  broken = false
  /** Whether events are not stored. */
  full = false
  /** What a read of a room begins with. */
  lost: LostEvents | undefined
  reads = 0

  record = (events: ReadonlyArray<OperationEvent>): number => {
    const first = this.order + 1
    for (const event of events) {
      const order = ++this.order
      if (!this.full) this.items.push({ _tag: "Stored", order, event })
    }
    return first
  }

  lastOrder = (): number => this.order

  readonly flush = Effect.void

  /** Forgets what was stored last, as when the server is killed. */
  forgetLast(count: number): void {
    this.items.splice(-count)
  }

  read = (room: string, after: number): Stream.Stream<ReadonlyArray<HistoryItem>, HistoryUnavailable> =>
    Stream.suspend(() => {
      this.reads++
      if (this.broken) return Stream.fail(new HistoryUnavailable({ reason: "The disk is broken." }))
      const isOwn = room.startsWith("operation_")
      const own = this.items.filter(({ event }) => operationRooms(event.logId, event.target).includes(room))
      if (isOwn && own.length === 0 && after > 0) {
        const items: ReadonlyArray<HistoryItem> = [
          { _tag: "Lost", from: after + 1, to: undefined, reason: "The run is no longer stored." }
        ]
        return Stream.succeed(items)
      }
      const last = new Map(own.map(({ event, order }) => [itemOf(event) ?? order, order]))
      const found: ReadonlyArray<HistoryItem> = own.filter(
        ({ event, order }) => (isOwn ? event.seq : order) > after && last.get(itemOf(event) ?? order) === order
      )
      const items = this.lost === undefined ? found : [this.lost, ...found]
      return Stream.fromIterable(
        Array.from({ length: Math.ceil(items.length / this.batch) }, (_, index) =>
          items.slice(index * this.batch, (index + 1) * this.batch)
        )
      ).pipe(Stream.tap(() => Effect.yieldNow()))
    })
}

const itemOf = (event: OperationEvent): string | undefined =>
  event._tag === "OperationProgress" ? `${event.logId} ${event.id}` : undefined
