import type { LogRecord } from "./logRecord.js"

/**
 * A fault of a container's log.
 *
 * - `Skip`: the live streams leave out the next `records`, which the log has until it is rotated. An engine leaves out whole
 *   files, so time must pass before the record after them: more than a follow takes to be too short to write a file in, a
 *   quarter of a millisecond for a megabyte.
 * - `Lag`: the live streams that are open send nothing until the log was rotated so many times, by its `max-size`. Then they
 *   go on as an engine does: with the rest of the file that they were in, and with the newest one. Files in between are left
 *   out.
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
  | { readonly _tag: "Lag"; readonly rotations: number }
  | { readonly _tag: "Repeat"; readonly records: number }
  | { readonly _tag: "Mute" }
  | { readonly _tag: "Corrupt"; readonly records: number }

/** Lagging behind the log. */
interface Lag {
  rotations: number
  isPastFile: boolean
  /** The rest of the file. */
  readonly rest: Array<LogRecord>
}

/** An open live stream: which record of the log it sends next. */
export class LiveCursor {
  isMute = false
  lag: Lag | undefined
  /** To be sent in front of the next record. */
  rest: ReadonlyArray<LogRecord> = []

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

  /** Adds a fault of a log whose next record has this index. `from` returns its records from an index on. */
  add(fault: MemoryLogFault, next: number, from: (index: number) => ReadonlyArray<LogRecord>): void {
    if (fault._tag === "Skip") this.#skipped = [...this.#skipped, { from: next, to: next + fault.records }]
    else if (fault._tag === "Corrupt") this.#corrupt = [...this.#corrupt, { from: next, to: next + fault.records }]
    else {
      for (const cursor of this.#cursors) {
        if (fault._tag === "Mute") cursor.isMute = true
        else if (fault._tag === "Lag") {
          const { rotations } = fault
          if (rotations > 0)
            cursor.lag ??= { rotations, isPastFile: false, rest: [...cursor.rest, ...from(cursor.index)] }
        } else cursor.index = Math.max(Math.min(cursor.start, cursor.index), cursor.index - fault.records)
      }
    }
  }

  /** Notes the next record of the log, and whether a file begins with it. */
  append(record: LogRecord, index: number, isFirst: boolean): void {
    for (const cursor of this.#cursors) {
      const { lag } = cursor
      if (lag === undefined) continue
      lag.isPastFile ||= isFirst
      if (!lag.isPastFile) lag.rest.push(record)
      if (!isFirst || --lag.rotations > 0) continue
      cursor.rest = lag.rest
      cursor.index = index
      cursor.lag = undefined
    }
  }

  /** Ends what has not come about. */
  clear(next: number): void {
    const past = (spans: ReadonlyArray<Span>) => spans.map(({ from, to }) => ({ from, to: Math.min(to, next) }))
    this.#skipped = past(this.#skipped)
    this.#corrupt = past(this.#corrupt)
    for (const cursor of this.#cursors) {
      cursor.isMute = false
      cursor.lag = undefined
    }
  }

  /** Whether a live stream leaves out its next record. */
  isSkipped({ index, start }: LiveCursor): boolean {
    return index >= start && includes(this.#skipped, index)
  }

  isCorrupt(index: number): boolean {
    return this.#corrupt.length > 0 && includes(this.#corrupt, index)
  }
}
