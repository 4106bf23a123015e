import { crc32 } from "node:zlib"
import type { LogStream } from "../../LogEvent.js"

/** Added to the identity of stderr records: larger than any combination of checksum and length. */
const stderr = 2 ** 52

/** Identifies a record by its stream, its length, and a checksum of its bytes including the timestamp. */
export const recordIdentity = (stream: LogStream, bytes: Buffer, start: number, end: number): number =>
  crc32(bytes.subarray(start, end)) + ((end - start) % 0x100000) * 0x100000000 + (stream === "stderr" ? stderr : 0)

/** The stream of the record with this identity. */
export const identityStream = (identity: number): LogStream => (identity >= stderr ? "stderr" : "stdout")

/** The length of the record with this identity, unless it may be a piece of a line. */
export const identityLength = (identity: number): number => Math.floor((identity % stderr) / 0x100000000)

/** A shorter record is a whole line, and no two lines of a stream have the same timestamp. */
const pieceLength = 16 * 1024

/** Whether the record may be a piece of a line. All pieces of a line have one timestamp, so two of them may be equal. */
export const mayBePiece = (identity: number): boolean => identityLength(identity) >= pieceLength
