import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { encodeEntries, type RoomEntry } from "../../rooms/events/encodeEntries.js"
import type { HubShape } from "../../rooms/Hub.js"
import type { Membership } from "../../rooms/Membership.js"
import type { OperationHistoryShape } from "../../rooms/OperationHistory.js"
import { formatPosition, parsePosition } from "../../rooms/RoomPosition.js"
import type { Viewer } from "../../rooms/Viewer.js"
import { allOperationsRoom, configPrefix, imagePrefix, operationPrefix } from "../../Wire.js"
import type { RunFork } from "../OneFiber.js"
import { joinFromRing } from "./joinRoom.js"
import { type Replay, ReplayReader } from "./ReplayReader.js"
import { RoomReading } from "./RoomReading.js"
import { sendJoined } from "./roomReplies.js"

/** What an `OperationRoom` works with. */
export interface OperationRoomServices {
  readonly viewer: Viewer
  readonly hub: HubShape
  readonly history: OperationHistoryShape
  /** Runs what is read for the client. */
  readonly runFork: RunFork
}

/** The most events in a frame that is not from the ring. */
const maxFrameEvents = 1_000

/** Whether the room is one of operations. */
export const isOperationRoom = (room: string): boolean =>
  room === allOperationsRoom || [operationPrefix, configPrefix, imagePrefix].some((prefix) => room.startsWith(prefix))

/**
 * One client in a room of operations. It joins first and reads history second, so that nothing falls in between. In the room of a
 * run it gets all from line 1 on unless it resumes; in a room of many runs, those that have not ended.
 */
export class OperationRoom {
  /** The room of one run has the numbers of the run. */
  private readonly isOwn: boolean

  private readonly reading: RoomReading

  /** Lives until it is closed. */
  constructor(
    private readonly services: OperationRoomServices,
    readonly room: string
  ) {
    this.isOwn = room.startsWith(operationPrefix)
    this.reading = new RoomReading(services.hub, services.runFork)
  }

  /** Interrupts what is still being read for the room. */
  get close(): Effect.Effect<void> {
    return this.reading.close
  }

  /** Joins the room. Completes when `joined` is sent. */
  join(requestedRoom: string, position: string | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { hub, viewer } = this.services
      const current = viewer.membership(this.room)
      const membership = hub.join(viewer, this.room, requestedRoom)
      if (current !== undefined) {
        sendJoined(viewer, membership.ring, { requestedRoom, position: membership.position, recovered: true })
        return Effect.void
      }
      return this.isOwn ? this.joinRun(membership, position) : this.joinShared(membership, position)
    })
  }

  /** The ring no longer has the next event for the client: continues with the history, from where the client is. */
  catchUp(membership: Membership): boolean {
    this.reading.rejoin(membership, (requestedRoom, position) => this.join(requestedRoom, position))
    return true
  }

  private joinRun(membership: Membership, position: string | undefined): Effect.Effect<void> {
    const { requestedRoom, ring } = membership
    const parsed = position === undefined ? undefined : parsePosition(position)
    const last = parsed?.epoch === ring.epoch ? parsed.seq : 0
    const isInRing = last + 1 >= ring.oldest && last <= ring.seq
    const isUnknown = position !== undefined && parsed?.epoch !== ring.epoch
    if (!this.hasHistory || (isInRing && ring.seq > 0)) {
      // Of a run that nothing is known of, nothing can be said either.
      const known = last > 0 || (isUnknown && ring.seq === 0) ? position : formatPosition({ epoch: ring.epoch, seq: 0 })
      return Effect.sync(() => joinFromRing(membership, known))
    }
    return this.replay(membership, { requestedRoom, after: last, isUnknown })
  }

  private joinShared(membership: Membership, position: string | undefined): Effect.Effect<void> {
    const { hub, history } = this.services
    const { requestedRoom, ring } = membership
    const until = history.lastOrder()
    if (position === undefined) {
      const { runs } = hub
      if (runs.size === 0) return this.joinNow(membership)
      const orders = [...runs.values()].flatMap(({ order }) => (order === undefined ? [] : [order]))
      if (until === undefined || orders.length === 0) return this.replayRing(membership, new Set(runs.keys()))
      const after = orders.reduce((least, order) => Math.min(least, order), until) - 1
      return this.replay(membership, { requestedRoom, after, until, only: new Set(runs.keys()) })
    }
    const parsed = parsePosition(position)
    const inRing = ring.seqOfRoomPosition(position)
    const order = parsed?.order
    const from = inRing ?? (order === undefined ? undefined : ring.seqOfOrder(order))
    if (from !== undefined && from + 1 >= ring.oldest) {
      return Effect.sync(() => joinFromRing(membership, ring.positionAt(from)))
    }
    if (order === undefined || until === undefined || order > until) {
      return Effect.sync(() => joinFromRing(membership, position))
    }
    return this.replay(membership, { requestedRoom, after: order, until })
  }

  private get hasHistory(): boolean {
    return this.services.history.lastOrder() !== undefined
  }

  /** Joins from the room's next event on. */
  private joinNow(membership: Membership): Effect.Effect<void> {
    return Effect.sync(() => {
      const { next, requestedRoom, ring, viewer } = membership
      membership.position = this.positionBefore(membership, next)
      sendJoined(viewer, ring, { requestedRoom, position: membership.position, recovered: true })
    })
  }

  /** The position before an event of a ring that may not know it, when it is empty. */
  private positionBefore({ ring }: Membership, seq: number): string {
    const order = this.isOwn ? undefined : (ring.orderBefore(seq) ?? this.services.history.lastOrder())
    return order === undefined ? ring.positionBefore(seq) : formatPosition({ epoch: ring.epoch, seq: seq - 1, order })
  }

  /** Sends what the ring has of these runs, without numbers, and resumes where the client joined. */
  private replayRing(membership: Membership, runs: ReadonlySet<string>): Effect.Effect<void> {
    const { joinedAt, requestedRoom, ring, viewer } = membership
    const entries: Array<RoomEntry> = []
    let before: string | undefined
    for (let seq = ring.oldest; seq < joinedAt; seq++) {
      const event = runs.has(ring.runAt(seq) ?? "") ? ring.at(seq) : undefined
      if (event === undefined) continue
      before ??= ring.positionBefore(seq)
      entries.push({ event, position: ring.positionAt(seq) })
    }
    if (before === undefined) return this.joinNow(membership)
    membership.suspended = true
    membership.position = before
    const after = ring.positionBefore(joinedAt)
    sendJoined(viewer, ring, { requestedRoom, position: before, recovered: true })
    const frames = Array.from({ length: Math.ceil(entries.length / maxFrameEvents) }, (_, index) =>
      entries.slice(index * maxFrameEvents, (index + 1) * maxFrameEvents)
    )
    const write = Effect.forEach(
      frames,
      (frame) => this.write(membership, encodeEntries(this.room, frame), frame.at(-1)?.position ?? after),
      { discard: true }
    )
    return this.reading.start(Effect.map(write, () => viewer.resume(membership, joinedAt, after)))
  }

  private write(membership: Membership, messages: ReadonlyArray<string>, position: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { viewer } = membership
      if (!viewer.has(membership)) return Effect.interrupt
      membership.position = position
      if (messages.length > 0) viewer.write(Buffer.from(`[${messages.join(",")}]`))
      return viewer.whenWritable
    })
  }

  /** Starts to read the history. Completes when `joined` is sent. */
  private replay(membership: Membership, replay: Replay): Effect.Effect<void> {
    membership.suspended = true
    return Effect.gen(this, function* () {
      const joined = yield* Deferred.make<void>()
      const reader = new ReplayReader(this.services.history, membership, replay, this.isOwn, (messages, position) =>
        this.write(membership, messages, position)
      )
      const read = reader.run(joined).pipe(
        Effect.catchAllDefect((defect) =>
          Effect.logError(`Reading the history of the room ${this.room} died.`, Cause.die(defect)).pipe(
            Effect.map(() => reader.giveUp("The server failed to read it. Its log says why."))
          )
        ),
        Effect.ensuring(Deferred.succeed(joined, undefined))
      )
      yield* this.reading.start(read)
      yield* Deferred.await(joined)
    })
  }
}
