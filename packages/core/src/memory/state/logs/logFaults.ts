/**
 * A fault of a container's log.
 *
 * - `Skip`: the live streams leave out the next `records`, which the log has until it is rotated. An engine leaves out whole
 *   files, so time must pass before the record after them: more than a follow takes to be too short to write a file in, a
 *   quarter of a millisecond for a megabyte.
 * - `Repeat`: the live streams that are open send their last `records` again.
 * - `Mute`: the live streams that are open send nothing more, though the log goes on.
 * - `Corrupt`: the next `records` can't be decoded. A response that comes to one ends with an error of the engine, a live
 *   stream too.
 *
 * @since 0.1.0
 * @category models
 */
export type MemoryLogFault =
  | { readonly _tag: "Skip"; readonly records: number }
  | { readonly _tag: "Repeat"; readonly records: number }
  | { readonly _tag: "Mute" }
  | { readonly _tag: "Corrupt"; readonly records: number }

/** An open live stream: which record of the log it sends next. */
export class LiveCursor {
  isMute = false

  constructor(
    /** The first record that it sends as they are written. */
    readonly start: number,
    /** The next record to send. */
    public index: number
  ) {}
}

/** Records of a log, from an index up to another. */
interface Span {
  readonly from: number
  readonly to: number
}

const includes = (spans: ReadonlyArray<Span>, index: number): boolean =>
  spans.some(({ from, to }) => from <= index && index < to)

/** The faults of one log. */
export class LogFaults {
  readonly #cursors = new Set<LiveCursor>()
  #skipped: ReadonlyArray<Span> = []
  #corrupt: ReadonlyArray<Span> = []

  /** Opens a live stream. Returns the function that closes it. */
  open(cursor: LiveCursor): () => void {
    this.#cursors.add(cursor)
    return () => this.#cursors.delete(cursor)
  }

  /** Adds a fault of a log whose next record has this index. */
  add(fault: MemoryLogFault, next: number): void {
    if (fault._tag === "Skip") this.#skipped = [...this.#skipped, { from: next, to: next + fault.records }]
    else if (fault._tag === "Corrupt") this.#corrupt = [...this.#corrupt, { from: next, to: next + fault.records }]
    else {
      for (const cursor of this.#cursors) {
        if (fault._tag === "Mute") cursor.isMute = true
        else cursor.index = Math.max(Math.min(cursor.start, cursor.index), cursor.index - fault.records)
      }
    }
  }

  /** Ends what has not come about. */
  clear(next: number): void {
    const past = (spans: ReadonlyArray<Span>) => spans.map(({ from, to }) => ({ from, to: Math.min(to, next) }))
    this.#skipped = past(this.#skipped)
    this.#corrupt = past(this.#corrupt)
    for (const cursor of this.#cursors) cursor.isMute = false
  }

  /** Whether a live stream leaves out its next record. */
  isSkipped({ index, start }: LiveCursor): boolean {
    return index >= start && includes(this.#skipped, index)
  }

  isCorrupt(index: number): boolean {
    return this.#corrupt.length > 0 && includes(this.#corrupt, index)
  }
}
