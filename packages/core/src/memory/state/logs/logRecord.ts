import type { LogStream } from "../../../LogEvent.js"

/** A log record: a line, or a part of a line that is longer than 16 KiB. */
export interface LogRecord {
  /** Nanoseconds since the epoch. All parts of a line carry the time of the first. */
  readonly nanos: bigint
  readonly stream: LogStream
  readonly bytes: Uint8Array
}
