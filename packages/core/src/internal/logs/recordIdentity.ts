import { crc32 } from "node:zlib"
import type { LogStream } from "../../LogEvent.js"

/** Beyond every checksum and length. */
const stderr = 2 ** 52

/** Tells a record from others: its stream, a checksum of its bytes, timestamp included, and its length. */
export const recordIdentity = (stream: LogStream, bytes: Buffer, start: number, end: number): number =>
  crc32(bytes.subarray(start, end)) + ((end - start) % 0x100000) * 0x100000000 + (stream === "stderr" ? stderr : 0)

/** The stream of a record. */
export const identityStream = (identity: number): LogStream => (identity >= stderr ? "stderr" : "stdout")

/** Shorter records are whole lines, and no two of a stream bear the same nanosecond. */
const pieceLength = 16 * 1024

/** Whether the record may be a piece of a line: all of those bear one timestamp, and so may be equal in all. */
export const mayBePiece = (identity: number): boolean => Math.floor((identity % stderr) / 0x100000000) >= pieceLength
