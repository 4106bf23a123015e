import type { LogMark } from "@dockwire/core/LogEvent"
import type { FollowElement } from "@dockwire/core/Logs"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { containerMark } from "../../rooms/events/containerEvents.js"
import { positionKey, recordKey } from "../../rooms/logPositionKeys.js"
import type { Ring } from "../../rooms/Ring.js"
import { lineTimestamp, recordOf } from "../../rooms/RingItems.js"

/** A `seq`, or several in ascending order. */
type Seqs = number | ReadonlyArray<number>

const toArray = (seqs: Seqs | undefined): ReadonlyArray<number> =>
  seqs === undefined ? [] : typeof seqs === "number" ? [seqs] : seqs

const lastOf = (seqs: Seqs): number => (typeof seqs === "number" ? seqs : (seqs.at(-1) ?? 0))

/** The indexes in use, and by how many readers. */
const shared = new WeakMap<Ring, { readonly index: RingIndex; readers: number }>()

/**
 * Finds lines and marks that were read from the engine in a container's ring, to which a follower adds at the same time. All
 * readers of a ring share one index, which is kept for as long as there are readers.
 */
export class RingIndex {
  private readonly byRecord = new Map<number, Seqs>()
  private readonly byMark = new Map<string, Seqs>()
  /** The `seq` of the last event that is indexed. */
  private indexed: number

  private constructor(private readonly ring: Ring) {
    this.indexed = ring.oldest - 1
  }

  /** The index of a ring, until the scope closes. */
  static readonly of = (ring: Ring): Effect.Effect<RingIndex, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const existing = shared.get(ring) ?? { index: new RingIndex(ring), readers: 0 }
        existing.readers++
        shared.set(ring, existing)
        return existing.index
      }),
      () =>
        Effect.sync(() => {
          const existing = shared.get(ring)
          if (existing !== undefined && --existing.readers === 0) shared.delete(ring)
        })
    )

  /** The `seq` of this line or mark, if the ring has it. */
  find(element: FollowElement): number | undefined {
    return element._tag === "LogLine" ? this.findLine(element) : this.findMark(element)
  }

  private findMark(mark: LogMark): number | undefined {
    // One follow may have a gap that the other does not have.
    if (mark.mark === "gap") return undefined
    this.update()
    return this.kept(this.byMark.get(containerMark(mark).json))[0]
  }

  private findLine(line: Extract<FollowElement, { _tag: "LogLine" }>): number | undefined {
    const first = this.firstTimestamp()
    // Skips lines from seconds before the ring's first line. Within a second stdout and stderr may be out of order.
    if (first === undefined || line.timestamp.slice(0, 18) < first.slice(0, 18)) return undefined
    this.update()
    const { position } = line
    const candidates = this.kept(this.byRecord.get(recordOf(position)))
    if (candidates.length === 0) return undefined
    const positions = candidates.map((seq) => [seq, this.ring.logPositionAt(seq)] as const)
    const key = positionKey(position)
    const exact = positions.find(([, each]) => each !== undefined && positionKey(each) === key)
    if (exact !== undefined) return exact[0]
    if (line.timestamp <= first) return undefined
    const record = recordKey(position)
    return positions.find(([, each]) => each !== undefined && recordKey(each) === record)?.[0]
  }

  private firstTimestamp(): string | undefined {
    for (let seq = this.ring.oldest; seq <= this.ring.seq; seq++) {
      const line = this.ring.line(seq)
      if (line !== undefined) return lineTimestamp(line)
    }
    return undefined
  }

  /** Indexes what was pushed since the last update. */
  private update(): void {
    const { ring } = this
    if (this.indexed === ring.seq) return
    for (let seq = Math.max(this.indexed + 1, ring.oldest); seq <= ring.seq; seq++) {
      if (ring.line(seq) !== undefined) this.add(this.byRecord, ring.recordAt(seq), seq)
      else {
        const event = ring.at(seq)
        if (event?.event === "container_log_mark") this.add(this.byMark, event.json, seq)
      }
    }
    this.indexed = ring.seq
    this.removeEvicted(this.byMark)
    this.removeEvicted(this.byRecord)
  }

  private add<K>(index: Map<K, Seqs>, key: K, seq: number): void {
    const earlier = index.get(key)
    if (earlier === undefined) return void index.set(key, seq)
    const kept = this.kept(earlier)
    index.delete(key)
    index.set(key, kept.length === 0 ? seq : [...kept, seq])
  }

  private kept(seqs: Seqs | undefined): ReadonlyArray<number> {
    const { oldest } = this.ring
    return toArray(seqs).filter((seq) => seq >= oldest)
  }

  /** Removes events that the ring evicted. A map iterates in insertion order, so the oldest come first. */
  private removeEvicted<K>(index: Map<K, Seqs>): void {
    for (const [key, seqs] of index) {
      if (lastOf(seqs) >= this.ring.oldest) return
      index.delete(key)
    }
  }
}
