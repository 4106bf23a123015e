/** What is merged: in the order of normalized timestamps. */
interface Timed {
  readonly timestamp: string
}

/** Elements that came together. */
class Batch<A extends Timed> {
  #latest: string | undefined

  constructor(
    readonly elements: ReadonlyArray<A>,
    /** When it came, in milliseconds since the epoch. */
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

/** Later than every timestamp. */
export const endOfTime = "~"

/** One of the sequences that are merged. Its own order is kept. */
export class MergeSource<A extends Timed> {
  readonly batches: Array<Batch<A>> = []
  /** The next element of the first batch. */
  index = 0
  /** The timestamp of the next element, if there is one. */
  head = ""
  isEnded = false
  /** Since when there has been nothing to take, in milliseconds since the epoch. */
  emptySince: number

  /** @param historyEnd the timestamp up to which it has elements already, so that it is worth waiting for them */
  constructor(
    public historyEnd: string | undefined,
    now: number
  ) {
    this.emptySince = now
  }

  get isEmpty(): boolean {
    return this.batches.length === 0
  }
}

/** How long to wait for other sequences. */
export interface MergeLimits {
  /** For elements that arrive as they come to be: those that arrive within this time of each other are put in order. */
  readonly windowMillis: number
  /** For the next elements of a history; without a limit if `undefined`. */
  readonly historyMillis: number | undefined
}

/** Merges sequences of timed elements in the order of time, in constant memory, and knows no clock but the given times. */
export class TimeMerger<A extends Timed> {
  /** Those that have elements: a heap, the one with the earliest first. */
  readonly #ready: Array<MergeSource<A>> = []
  /** Those that have none now, and may have some later. */
  readonly #empty = new Set<MergeSource<A>>()

  constructor(readonly limits: MergeLimits) {}

  /** Whether everything has been taken, and nothing can follow. */
  get isDone(): boolean {
    return this.#ready.length === 0 && this.#empty.size === 0
  }

  /** Whether there is something to compare of every sequence that has not ended. */
  get isComplete(): boolean {
    return this.#empty.size === 0
  }

  add(historyEnd: string | undefined, now: number): MergeSource<A> {
    const source = new MergeSource<A>(historyEnd, now)
    this.#empty.add(source)
    return source
  }

  offer(source: MergeSource<A>, elements: ReadonlyArray<A>, now: number): void {
    if (elements.length === 0) return
    const batch = new Batch(elements, now)
    source.batches.push(batch)
    const { historyEnd } = source
    if (historyEnd !== undefined && historyEnd !== endOfTime && batch.latest >= historyEnd) {
      source.historyEnd = undefined
    }
    if (!this.#empty.delete(source)) return
    source.head = elements[0]?.timestamp ?? ""
    this.#ready.push(source)
    this.#siftUp(this.#ready.length - 1)
  }

  /** Nothing more follows from this one. */
  end(source: MergeSource<A>): void {
    source.isEnded = true
    this.#empty.delete(source)
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
  #takeRun(source: MergeSource<A>, taken: Array<A>, most: number, limit: string | undefined): boolean {
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

  /** When there may be more to take without another offer, in milliseconds since the epoch. */
  nextAt(now: number): number | undefined {
    if (this.#ready.length === 0) return undefined
    let next: number | undefined
    for (const source of this.#empty) {
      const until = this.#waitsUntil(source, now)
      if (until !== undefined) next = Math.max(next ?? 0, until)
    }
    if (next !== undefined) return Number.isFinite(next) ? next : undefined
    for (const { batches } of this.#ready) {
      const due = (batches[0]?.at ?? now) + this.limits.windowMillis
      next = Math.min(next ?? due, due)
    }
    return next
  }

  /** Until when to wait for an empty source; `undefined` if not beyond the window. */
  #waitsUntil({ emptySince, historyEnd }: MergeSource<A>, now: number): number | undefined {
    if (historyEnd === undefined) return undefined
    const until = emptySince + (this.limits.historyMillis ?? Number.POSITIVE_INFINITY)
    return until > now ? until : undefined
  }

  /** Up to which timestamp elements may be taken: without a limit if every source has one to compare. */
  #limit(now: number): string | undefined {
    if (this.#empty.size === 0) return undefined
    for (const source of this.#empty) if (this.#waitsUntil(source, now) !== undefined) return ""
    let limit = ""
    const due = now - this.limits.windowMillis
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
