import type { LogPosition } from "@dockwire/core/LogPosition"
import type { FollowElement, Logs, LogsError } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Follower } from "../ContainerFollower.js"
import type { EngineStart } from "./historyStart.js"
import { type HistoryWriter, maxHistoryLines } from "./HistoryWriter.js"
import { isBeforeFirst, positionKey } from "../../rooms/logPositionKeys.js"
import { historyPosition } from "../../rooms/RoomPosition.js"
import { retryWhenAvailable } from "../reconnect.js"
import { RingIndex } from "./RingIndex.js"

/** What a `HistoryReader` works with. */
export interface HistoryReaderOptions {
  readonly logs: Context.Tag.Service<typeof Logs>
  readonly follower: Follower
  readonly writer: HistoryWriter
  /** Called with the first element from the engine. Nothing is sent until it completes. */
  readonly onFirst: (first: FollowElement | undefined) => Effect.Effect<void>
  readonly whenAvailable: Effect.Effect<void>
}

const isRemoval = (element: FollowElement | undefined): boolean =>
  element?._tag === "LogMark" && element.mark === "removed"

/**
 * Reads a container's log from the engine for one viewer, at the viewer's pace, up to the first line that the room's ring has
 * too. From there on the viewer is fed from the ring.
 */
export class HistoryReader {
  private readonly startKey: string | undefined
  private started = false
  /** The position after the last line or mark that was sent. */
  private sent: LogPosition | undefined

  constructor(private readonly options: HistoryReaderOptions) {
    const { position } = options.follower
    // A follower that started in front of a line has that line as its first.
    if (position !== undefined && !isBeforeFirst(position)) this.startKey = positionKey(position)
  }

  /** Reads from the engine from `start` on, and over breaks of the connection. Completes when delivery from the ring resumes. */
  read(start: EngineStart): Effect.Effect<void, LogsError> {
    const { follower, logs, whenAvailable, writer } = this.options
    const { membership } = writer
    const { ring } = membership
    this.sent = start.position
    const readOn = Effect.scoped(
      Effect.flatMap(RingIndex.of(ring), (index) =>
        Stream.suspend(() =>
          logs.followBatches(follower.containerId, this.sent === undefined ? start : { position: this.sent })
        ).pipe(
          Stream.mapEffect((batch) => this.take(batch, index)),
          Stream.takeWhile((more) => more),
          Stream.runDrain
        )
      )
    )
    return Effect.tap(retryWhenAvailable(readOn, whenAvailable), () => {
      // The container was removed, and its ring has none of the lines that were read.
      if (membership.suspended) writer.resumeFromRing(ring.seq + 1, ring.positionAt(ring.seq))
    })
  }

  /** Sends a batch, up to where it meets the ring. Returns whether to read on. */
  private take(batch: ReadonlyArray<FollowElement>, index: RingIndex): Effect.Effect<boolean> {
    const { follower, onFirst, writer } = this.options
    const { membership } = writer
    const { ring, viewer } = membership
    return Effect.gen(this, function* () {
      if (!this.started) {
        this.started = true
        yield* onFirst(batch[0])
      }
      // A removal ends the log. Its mark must be in the ring first, because "recreated" may follow it there.
      if (isRemoval(batch.at(-1))) yield* follower.ended
      let rest = batch
      for (;;) {
        const { count, seq } = this.findRing(rest, index)
        yield* this.send(count === rest.length ? rest : rest.slice(0, count))
        this.sent = rest[count - 1]?.position ?? this.sent
        if (seq === undefined) return viewer.has(membership)
        // While the lines were being sent, the ring may have evicted the one that they lead up to: then read on.
        if (seq >= ring.oldest) {
          writer.resumeFromRing(seq, this.sent === undefined ? ring.positionBefore(seq) : historyPosition(this.sent))
          return false
        }
        rest = rest.slice(count)
      }
    })
  }

  /** How many of the elements come before the ring, and the `seq` at which the ring continues. */
  private findRing(
    elements: ReadonlyArray<FollowElement>,
    index: RingIndex
  ): { readonly count: number; readonly seq?: number } {
    for (const [count, element] of elements.entries()) {
      const seq = index.find(element)
      if (seq !== undefined) return { count, seq }
      if (element._tag === "LogLine" && this.isBeforeFirst(element.position)) return { count: count + 1, seq: 1 }
    }
    return { count: elements.length }
  }

  /** Whether the ring's very first event comes right after this position. */
  private isBeforeFirst(position: LogPosition): boolean {
    const { ring } = this.options.writer.membership
    return ring.oldest === 1 && this.startKey !== undefined && positionKey(position) === this.startKey
  }

  private send(elements: ReadonlyArray<FollowElement>): Effect.Effect<void> {
    const { writer } = this.options
    return Effect.forEach(
      Array.from({ length: Math.ceil(elements.length / maxHistoryLines) }, (_, index) => index * maxHistoryLines),
      (from) =>
        Effect.suspend(() => {
          writer.writeElements(elements.slice(from, from + maxHistoryLines))
          return writer.membership.viewer.whenWritable
        }),
      { discard: true }
    )
  }
}
