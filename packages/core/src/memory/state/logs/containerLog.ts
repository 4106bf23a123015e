import type { LogStream } from "../../../LogEvent.js"
import { ConditionVariable } from "../../time/conditionVariable.js"
import { LogFaults, type MemoryLogFault } from "./logFaults.js"
import type { LogRecord } from "./logRecord.js"

const maxRecordSize = 16 * 1024

/** How much of a log is kept, in rotated files of which the oldest is deleted. */
export interface LogLimits {
  /** A file is rotated once it holds this many bytes. */
  readonly maxSize: number
  readonly maxFiles: number
  /** The bytes that a record takes in a file. */
  readonly sizeOf: (record: LogRecord) => number
}

/** The log of a container. Records are numbered from 0; rotation drops the oldest. */
export class ContainerLog {
  #records: Array<LogRecord> = []
  #first = 0
  /** Bytes in the newest file. */
  #fileSize = 0
  /** The index of the first record of each file, oldest first. */
  #files: ReadonlyArray<number> = [0]
  /** Notified when a record is appended. */
  readonly changed = new ConditionVariable()
  readonly faults = new LogFaults()

  /** Without limits, everything is kept. */
  constructor(readonly limits?: LogLimits) {}

  /** The index of the oldest record. */
  get first(): number {
    return this.#first
  }

  /** The index of the next record. */
  get end(): number {
    return this.#first + this.#records.length
  }

  at(index: number): LogRecord | undefined {
    return this.#records[index - this.#first]
  }

  append(record: LogRecord): void {
    const isRotated = this.limits !== undefined && this.#rotate(this.limits, record)
    this.faults.append(record, this.end, isRotated)
    this.#records.push(record)
    this.changed.notifyAll()
  }

  /** Drops all but the last `count` records. */
  keepLast(count: number): void {
    this.#dropBefore(this.end - count)
  }

  fail(fault: MemoryLogFault): void {
    this.faults.add(fault, this.end, (index) => this.#records.slice(Math.max(0, index - this.#first)))
    this.changed.notifyAll()
  }

  /** Ends its faults. */
  heal(): void {
    this.faults.clear(this.end)
    this.changed.notifyAll()
  }

  /** Begins a file if the newest one is full. Returns whether it did. */
  #rotate({ maxFiles, maxSize, sizeOf }: LogLimits, next: LogRecord): boolean {
    const isFull = this.#fileSize >= maxSize
    if (isFull) {
      this.#fileSize = 0
      this.#files = [...this.#files, this.end].slice(-maxFiles)
      this.#dropBefore(this.#files[0] ?? this.end)
    }
    this.#fileSize += sizeOf(next)
    return isFull
  }

  #dropBefore(index: number): void {
    if (index <= this.#first) return
    this.#records = this.#records.slice(index - this.#first)
    this.#first = index
  }
}

/** Splits one output stream of a run into log records. */
export class LogWriter {
  #pending: Uint8Array = Buffer.alloc(0)
  /** The time of the first part of an unfinished line. */
  #lineNanos: bigint | undefined

  constructor(
    readonly log: ContainerLog,
    readonly stream: LogStream,
    /** Whether bytes that are not UTF-8 are replaced, as by the driver `json-file`. */
    readonly textOnly: boolean
  ) {}

  write(bytes: Uint8Array, now: () => bigint): void {
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    for (;;) {
      const newline = rest.indexOf(10)
      const isLine = newline >= 0 && newline < maxRecordSize
      const length = isLine ? newline + 1 : rest.length >= maxRecordSize ? maxRecordSize : 0
      if (length === 0) break
      this.#append(rest.subarray(0, length), now, length === newline + 1)
      rest = rest.subarray(length)
    }
    this.#pending = Uint8Array.from(rest)
  }

  /** Writes an unfinished last line. Called when the run ends. */
  end(now: () => bigint): void {
    if (this.#pending.length > 0) this.#append(this.#pending, now, true)
    this.#pending = Buffer.alloc(0)
    this.#lineNanos = undefined
  }

  #append(bytes: Uint8Array, now: () => bigint, endsLine: boolean): void {
    const nanos = this.#lineNanos ?? now()
    this.#lineNanos = endsLine ? undefined : nanos
    const stored = this.textOnly ? Buffer.from(Buffer.from(bytes).toString("utf8")) : Uint8Array.from(bytes)
    this.log.append({ nanos, stream: this.stream, bytes: stored })
  }
}
