import { crc32 } from "node:zlib"
import type { LogStream } from "../LogEvent.js"

/** Tells a record from others: a checksum of its bytes, timestamp included, seeded by its stream, and its length. */
export const recordIdentity = (stream: LogStream, bytes: Buffer, start: number, end: number): number =>
  crc32(bytes.subarray(start, end), stream === "stderr" ? 1 : 0) + ((end - start) % 0x100000) * 0x100000000
