import type { LogStream } from "../../LogEvent.js"
import { ConditionVariable } from "../time/conditionVariable.js"

/** What the engine keeps of a line: all of it, or a piece. */
export interface LogRecord {
  /** Nanoseconds since the epoch; the pieces of a line have that of the first. */
  readonly nanos: bigint
  readonly stream: LogStream
  readonly bytes: Uint8Array
}

const recordSize = 16 * 1024

/** How much of a log is kept: in files, of which the oldest goes when there is one too many. */
export interface LogLimits {
  /** Bytes from which on a file is full. */
  readonly maxSize: number
  readonly maxFiles: number
  /** How many bytes a record takes in a file. */
  readonly sizeOf: (record: LogRecord) => number
}

/** The records of a container, numbered from its first one on; the oldest may be gone. */
export class ContainerLog {
  #records: Array<LogRecord> = []
  #first = 0
  /** Bytes in the newest file. */
  #size = 0
  /** With which record each file begins, the oldest first. */
  #files: ReadonlyArray<number> = [0]
  readonly changed = new ConditionVariable()

  /** Without limits all is kept. */
  constructor(readonly limits?: LogLimits) {}

  /** The number of the oldest that is there. */
  get first(): number {
    return this.#first
  }

  /** The number that the next one gets. */
  get end(): number {
    return this.#first + this.#records.length
  }

  at(index: number): LogRecord | undefined {
    return this.#records[index - this.#first]
  }

  append(record: LogRecord): void {
    if (this.limits !== undefined) this.#makeRoom(this.limits, record)
    this.#records.push(record)
    this.changed.notifyAll()
  }

  /** Drops the oldest records, so that this many are left. */
  rotate(keep: number): void {
    this.#dropBefore(this.end - keep)
  }

  #makeRoom({ maxFiles, maxSize, sizeOf }: LogLimits, record: LogRecord): void {
    if (this.#size >= maxSize) {
      this.#size = 0
      this.#files = [...this.#files, this.end].slice(-maxFiles)
      this.#dropBefore(this.#files[0] ?? this.end)
    }
    this.#size += sizeOf(record)
  }

  #dropBefore(index: number): void {
    if (index <= this.#first) return
    this.#records = this.#records.slice(index - this.#first)
    this.#first = index
  }
}

/** Cuts what one stream of a run writes into records. */
export class LogWriter {
  #pending: Uint8Array = Buffer.alloc(0)
  /** The moment of the first piece of a line that goes on. */
  #begun: bigint | undefined

  constructor(
    readonly log: ContainerLog,
    readonly stream: LogStream,
    /** The driver `json-file` keeps text: bytes that are not UTF-8 are lost. */
    readonly textOnly: boolean
  ) {}

  write(bytes: Uint8Array, now: () => bigint): void {
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    for (;;) {
      const newline = rest.indexOf(10)
      const length = newline >= 0 && newline < recordSize ? newline + 1 : rest.length >= recordSize ? recordSize : 0
      if (length === 0) break
      this.#append(rest.subarray(0, length), now, length === newline + 1)
      rest = rest.subarray(length)
    }
    this.#pending = Uint8Array.from(rest)
  }

  /** The run is over: what has no end yet is a record too. */
  end(now: () => bigint): void {
    if (this.#pending.length > 0) this.#append(this.#pending, now, true)
    this.#pending = Buffer.alloc(0)
    this.#begun = undefined
  }

  #append(bytes: Uint8Array, now: () => bigint, whole: boolean): void {
    const nanos = this.#begun ?? now()
    this.#begun = whole ? undefined : nanos
    const kept = this.textOnly ? Buffer.from(Buffer.from(bytes).toString("utf8")) : Uint8Array.from(bytes)
    this.log.append({ nanos, stream: this.stream, bytes: kept })
  }
}
