/**
 * Merging sequences in the order of time, as their elements arrive. Has no dependencies, so that browsers can load it.
 *
 * @since 0.1.0
 */

/**
 * What can be merged, such as a line of a log, or a mark between lines.
 *
 * @since 0.1.0
 * @category models
 */
export interface TimedElement {
  /** RFC 3339 in UTC with nine fractional digits, so that timestamps sort as text. */
  readonly timestamp: string
}

/**
 * Which elements of a sequence exist already, so that the others wait for them: `"all"` if it ends by itself, or those up to
 * the timestamp of the last one. If `undefined`, all elements are new.
 *
 * @since 0.1.0
 * @category models
 */
export type ExistingElements = "all" | { readonly until: string } | undefined

/**
 * How long elements wait for earlier ones.
 *
 * @since 0.1.0
 * @category models
 */
export interface TimeMergerOptions {
  /** In milliseconds. New elements that arrive within this time of each other are put in order. */
  readonly windowMillis: number
  /** In milliseconds. How long a sequence holds the others when what exists of it does not arrive; may be `Infinity`. */
  readonly stallMillis: number
}

/**
 * One of the sequences that a `TimeMerger` merges. Its own order is kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface MergeSource<A extends TimedElement> {
  /** How many of the offered arrays have not been taken whole. */
  readonly waiting: number
  /** Adds its next elements, which arrived `now`: milliseconds of any clock that does not go back. */
  readonly offer: (elements: ReadonlyArray<A>, now: number) => void
  /** Nothing more follows. */
  readonly end: () => void
}

/** Elements that came together. */
class Batch<A extends TimedElement> {
  #latest: string | undefined

  constructor(
    readonly elements: ReadonlyArray<A>,
    readonly at: number
  ) {}

  /** The latest timestamp in it, which a history is merged without. */
  get latest(): string {
    if (this.#latest !== undefined) return this.#latest
    let latest = ""
    for (const { timestamp } of this.elements) if (timestamp > latest) latest = timestamp
    this.#latest = latest
    return latest
  }
}

class Source<A extends TimedElement> implements MergeSource<A> {
  readonly batches: Array<Batch<A>> = []
  /** The next element of the first batch. */
  index = 0
  /** The timestamp of the next element, if there is one. */
  head = ""
  isEnded = false
  /** Since when there has been nothing to take. */
  emptySince: number

  constructor(
    /** What exists already, as long as it has not all been offered. */
    public existing: ExistingElements,
    now: number,
    readonly onReady: (source: Source<A>) => void,
    readonly onEnd: (source: Source<A>) => void
  ) {
    this.emptySince = now
  }

  get waiting(): number {
    return this.batches.length
  }

  offer(elements: ReadonlyArray<A>, now: number): void {
    if (elements.length === 0 || this.isEnded) return
    const batch = new Batch(elements, now)
    this.batches.push(batch)
    if (typeof this.existing === "object" && batch.latest >= this.existing.until) this.existing = undefined
    if (this.batches.length > 1) return
    this.head = elements[0]?.timestamp ?? ""
    this.onReady(this)
  }

  end(): void {
    this.isEnded = true
    this.onEnd(this)
  }
}

/**
 * Puts the elements of several sequences in the order of time, in constant memory: what exists already as a whole, new elements
 * where they arrive within the window of each other. Elements with the same timestamp stay in the order of their sequence. It
 * knows no clock but the times that it is given: take what is due after each offer, and again at `nextAt`.
 *
 * @example
 * ```ts
 * import { TimeMerger } from "@dockwire/core/TimeMerger"
 *
 * const merger = new TimeMerger<{ timestamp: string; text: string }>({ windowMillis: 100, stallMillis: 500 })
 * const [shop, mail] = [merger.add(0), merger.add(0)]
 *
 * shop.offer([{ timestamp: "2026-01-31T12:00:00.200000000Z", text: "sold" }], 0)
 * mail.offer([{ timestamp: "2026-01-31T12:00:00.100000000Z", text: "sent" }], 60)
 * merger.nextAt(60) // 100
 * for (const { text } of merger.take(100, 1_000)) console.log(text) // "sent", "sold"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export class TimeMerger<A extends TimedElement> {
  /** Those that have elements: a heap, the one with the earliest first. */
  readonly #ready: Array<Source<A>> = []
  /** Those that have none now, and may have some later. */
  readonly #empty = new Set<Source<A>>()

  constructor(readonly options: TimeMergerOptions) {}

  /** Whether everything has been taken, and nothing can follow. */
  get isDone(): boolean {
    return this.#ready.length === 0 && this.#empty.size === 0
  }

  /** Whether there is something to compare of every sequence that has not ended. */
  get isComplete(): boolean {
    return this.#empty.size === 0
  }

  /** Another sequence, from `now` on. */
  add(now: number, existing?: ExistingElements): MergeSource<A> {
    const onReady = (source: Source<A>) => {
      this.#empty.delete(source)
      this.#ready.push(source)
      this.#siftUp(this.#ready.length - 1)
    }
    const source = new Source(existing, now, onReady, (ended) => this.#empty.delete(ended))
    this.#empty.add(source)
    return source
  }

  /** The next elements in order, at most so many; none if it is too early to tell which come next. */
  take(now: number, most: number): ReadonlyArray<A> {
    const taken: Array<A> = []
    const ready = this.#ready
    let limit = this.#limit(now)
    for (let source = ready[0]; source !== undefined && taken.length < most; source = ready[0]) {
      if (limit !== undefined && source.head > limit) break
      if (this.#takeRun(source, taken, most, limit)) {
        this.#siftDown()
        continue
      }
      this.#removeFirst()
      if (source.isEnded) continue
      source.emptySince = now
      this.#empty.add(source)
      limit = this.#limit(now)
    }
    return taken
  }

  /** Takes elements of the earliest source as long as it is the earliest. Returns whether it has more. */
  #takeRun(source: Source<A>, taken: Array<A>, most: number, limit: string | undefined): boolean {
    const ready = this.#ready
    const [left, right] = [ready[1]?.head, ready[2]?.head]
    const next = left !== undefined && right !== undefined && right < left ? right : left
    const bound = next === undefined || (limit !== undefined && limit < next) ? limit : next
    for (let batch = source.batches[0]; batch !== undefined; batch = source.batches[0]) {
      const { elements } = batch
      let { index } = source
      let element = elements[index]
      while (element !== undefined && taken.length < most && (bound === undefined || element.timestamp <= bound)) {
        taken.push(element)
        element = elements[++index]
      }
      source.index = index
      if (element !== undefined) {
        source.head = element.timestamp
        return true
      }
      source.batches.shift()
      source.index = 0
    }
    return false
  }

  /** When there may be more to take without another offer, by the clock of `now`. */
  nextAt(now: number): number | undefined {
    if (this.#ready.length === 0) return undefined
    let next: number | undefined
    for (const source of this.#empty) {
      const until = this.#waitsUntil(source, now)
      if (until !== undefined) next = Math.max(next ?? 0, until)
    }
    if (next !== undefined) return Number.isFinite(next) ? next : undefined
    for (const { batches } of this.#ready) {
      const due = (batches[0]?.at ?? now) + this.options.windowMillis
      next = Math.min(next ?? due, due)
    }
    return next
  }

  /** Until when to wait for an empty source; `undefined` if not beyond the window. */
  #waitsUntil({ emptySince, existing }: Source<A>, now: number): number | undefined {
    if (existing === undefined) return undefined
    const until = emptySince + this.options.stallMillis
    return until > now ? until : undefined
  }

  /** Up to which timestamp elements may be taken: without a limit if every source has one to compare. */
  #limit(now: number): string | undefined {
    if (this.#empty.size === 0) return undefined
    for (const source of this.#empty) if (this.#waitsUntil(source, now) !== undefined) return ""
    let limit = ""
    const due = now - this.options.windowMillis
    for (const { batches } of this.#ready) {
      for (const { at, latest } of batches) if (at <= due && latest > limit) limit = latest
    }
    return limit
  }

  #siftUp(start: number): void {
    const ready = this.#ready
    let index = start
    const moved = ready[index]
    if (moved === undefined) return
    const { head } = moved
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = ready[above]
      if (parent === undefined || parent.head <= head) break
      ready[index] = parent
      index = above
    }
    ready[index] = moved
  }

  #siftDown(): void {
    const ready = this.#ready
    const [moved] = ready
    if (moved === undefined) return
    const { head } = moved
    let index = 0
    for (;;) {
      const left = ready[2 * index + 1]
      if (left === undefined) break
      const right = ready[2 * index + 2]
      const [least, below] =
        right !== undefined && right.head < left.head ? [right, 2 * index + 2] : [left, 2 * index + 1]
      if (least.head >= head) break
      ready[index] = least
      index = below
    }
    ready[index] = moved
  }

  #removeFirst(): void {
    const last = this.#ready.pop()
    if (last === undefined || this.#ready.length === 0) return
    this.#ready[0] = last
    this.#siftDown()
  }
}
