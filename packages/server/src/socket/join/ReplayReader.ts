import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { StoredEventEncoder } from "../../rooms/events/StoredEventEncoder.js"
import type { Membership } from "../../rooms/Membership.js"
import type {
  HistoryItem,
  HistoryPlace,
  HistoryUnavailable,
  OperationHistoryShape
} from "../../rooms/OperationHistory.js"
import { formatPosition } from "../../rooms/RoomPosition.js"
import { epochAfterHistory, sendGap, sendJoined } from "./roomReplies.js"

/** What to read from the history before delivery from the ring begins. */
export interface Replay {
  /** The room as the client named it. */
  readonly requestedRoom: string
  readonly after: HistoryPlace
  /** Whether the client resumes from a position that is not one of this room. */
  readonly isUnknown?: boolean
  /** The last place to read. Default: what is stored. */
  readonly until?: HistoryPlace
  /** The runs to read. Default: all. */
  readonly only?: ReadonlySet<string>
}

/** Reads the history for one client whose membership is suspended, then resumes delivery from the ring. */
export class ReplayReader {
  private readonly encoder: StoredEventEncoder
  private readonly epoch: string | undefined
  private hasJoined = false

  constructor(
    private readonly history: OperationHistoryShape,
    private readonly membership: Membership,
    private readonly replay: Replay,
    isOwn: boolean,
    private readonly write: (messages: ReadonlyArray<string>, position: string) => Effect.Effect<void>
  ) {
    const { ring } = membership
    this.epoch = isOwn ? ring.epoch : undefined
    this.encoder = new StoredEventEncoder(ring.room, this.epoch, replay.after)
    membership.position = this.encoder.position
  }

  run(joined: Deferred.Deferred<void>): Effect.Effect<void> {
    const { epoch, history } = this
    const read = epoch === undefined ? Effect.andThen(history.flush, this.readOnce(joined)) : this.readRun(joined)
    return read.pipe(
      Effect.map(() => {
        this.sendJoined(true)
        this.resume()
      }),
      Effect.catchAll((error) => Effect.sync(() => this.giveUp(error.message)))
    )
  }

  /** Tells the client that the rest of the history is missing, and resumes from the ring. */
  giveUp(reason: string): void {
    const { ring, viewer } = this.membership
    const from = this.encoder.last + 1
    const to = ring.isEmpty ? undefined : ring.oldest - 1
    const isWhole = this.epoch !== undefined && to !== undefined && from > to
    this.sendJoined(isWhole)
    if (!isWhole) sendGap(viewer, ring.room, { ...(this.epoch === undefined ? {} : { from, to }), reason })
    this.encoder.last = Math.max(this.encoder.last, ring.oldest - 1)
    this.resume()
  }

  /** Reads up to where the ring begins. */
  private readRun(joined: Deferred.Deferred<void>): Effect.Effect<void, HistoryUnavailable> {
    return Effect.gen(this, function* () {
      const { ring } = this.membership
      yield* this.readOnce(joined)
      if (!this.isMissing) return
      // The newest events may not be stored yet.
      yield* this.history.flush
      yield* this.readOnce(joined)
      if (!this.isMissing) return
      const lost = { _tag: "Lost", from: this.encoder.last + 1, to: ring.oldest - 1, reason: notStored } as const
      yield* this.take([lost], joined)
    })
  }

  private get isMissing(): boolean {
    const { ring } = this.membership
    return !ring.isEmpty && this.encoder.last + 1 < ring.oldest
  }

  private readOnce(joined: Deferred.Deferred<void>): Effect.Effect<void, HistoryUnavailable> {
    const { epoch, history, membership, replay } = this
    const { room } = membership.ring
    const { last } = this.encoder
    // The event before is read again: the last event of a run may be two messages with numbers of their own.
    const after = epoch === undefined ? last : Math.max(0, last - 2)
    let hasAny = false
    const read = history.read(room, after).pipe(
      Stream.takeWhile((items) => replay.until === undefined || placeOf(items[0], epoch) <= replay.until),
      Stream.runForEach((items) => {
        hasAny ||= items.length > 0
        return this.take(
          items.filter((item) => this.isWanted(item)),
          joined
        )
      })
    )
    return Effect.flatMap(read, () =>
      epoch !== undefined && !hasAny && (last > 0 || replay.isUnknown === true) ? this.takeEnd(joined) : Effect.void
    )
  }

  /** The client has seen events that were never stored: it gets the last one that is, from a new epoch on. */
  private takeEnd(joined: Deferred.Deferred<void>): Effect.Effect<void, HistoryUnavailable> {
    const { encoder, history, membership } = this
    const { ring } = membership
    return Effect.flatMap(Stream.runLast(history.read(ring.room, 0)), (items) => {
      const end = Option.getOrUndefined(items)?.at(-1)
      const lost = { _tag: "Lost", from: encoder.last + 1, to: undefined, reason: notStored } as const
      if (end?._tag !== "Stored") return this.take([lost], joined)
      this.sendJoined(true, epochAfterHistory(ring.epoch))
      encoder.last = end.event.seq - 1
      return this.take([end], joined)
    })
  }

  private isWanted(item: HistoryItem): boolean {
    const { only, until } = this.replay
    if (until !== undefined && placeOf(item, this.epoch) > until) return false
    if (item._tag === "Lost" && (item.to ?? Number.MAX_SAFE_INTEGER) <= this.encoder.last) return false
    return only === undefined || (item._tag === "Stored" && only.has(item.event.logId))
  }

  private take(items: ReadonlyArray<HistoryItem>, joined: Deferred.Deferred<void>): Effect.Effect<void> {
    if (items.length === 0) return Effect.void
    return Effect.suspend(() => {
      this.sendJoined(items[0]?._tag !== "Lost")
      Deferred.unsafeDone(joined, Effect.void)
      const messages = this.encoder.encode(items)
      return this.write(messages, this.encoder.position)
    })
  }

  private sendJoined(recovered: boolean, epoch?: string): void {
    if (this.hasJoined || !this.membership.viewer.has(this.membership)) return
    this.hasJoined = true
    const { ring, viewer } = this.membership
    const { requestedRoom } = this.replay
    const own = epoch ?? (this.epoch === undefined ? epochAfterHistory(ring.epoch) : ring.epoch)
    sendJoined(viewer, ring, { requestedRoom, position: this.encoder.position, recovered, epoch: own })
  }

  private resume(): void {
    const { encoder, epoch, membership, replay } = this
    const { joinedAt, ring, viewer } = membership
    if (!viewer.has(membership)) return
    if (epoch !== undefined) {
      // What is stored of a run that ended before the server started is all there is.
      if (ring.seq === 0) ring.skip(encoder.last)
      const next = Math.max(encoder.last + 1, ring.oldest)
      return viewer.resume(membership, next, formatPosition({ epoch, seq: next - 1 }))
    }
    const order = replay.until
    const position = formatPosition({ epoch: ring.epoch, seq: joinedAt - 1, ...(order === undefined ? {} : { order }) })
    viewer.resume(membership, joinedAt, position)
  }
}

const notStored = "These events were not stored, and the server keeps only the most recent ones otherwise."

const placeOf = (item: HistoryItem | undefined, epoch: string | undefined): HistoryPlace =>
  item === undefined ? 0 : item._tag === "Lost" ? item.from : epoch === undefined ? item.order : item.event.seq
