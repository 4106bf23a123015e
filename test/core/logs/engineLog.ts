import type { LogPart, LogStream } from "@dockwire/core"
import { LogDecoder, type LogHandler } from "../../../packages/core/src/internal/logs/logDecoder.js"
import type { RunBoundary } from "../../../packages/core/src/internal/logs/ttySplitter.js"
import type { Randomness } from "./randomness.js"

/** The engine splits lines into records of this many bytes. */
export const recordSize = 16 * 1024

/** A frame of the engine's multiplexed stream. */
export const frame = (type: number, payload: string | Buffer): Buffer => {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload
  const header = Buffer.alloc(8)
  header[0] = type
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

/** The n-th nanosecond of a second in 2026. */
export const stamp = (n: number): string => `2026-11-22T09:17:03.${String(n).padStart(9, "0")}Z`

/** The engine's records of a line. All have the same timestamp; the last one has the newline, if there is one. */
export const records = (timestamp: string, line: string | Buffer, ending = "\n"): ReadonlyArray<Buffer> => {
  const bytes = Buffer.concat([typeof line === "string" ? Buffer.from(line) : line, Buffer.from(ending)])
  const pieces: Array<Buffer> = []
  for (let start = 0; start < bytes.length; start += recordSize) {
    pieces.push(Buffer.concat([Buffer.from(`${timestamp} `), bytes.subarray(start, start + recordSize)]))
  }
  return pieces
}

/** The frames of a line. */
export const frames = (
  stream: LogStream,
  timestamp: string,
  line: string | Buffer,
  ending = "\n"
): ReadonlyArray<Buffer> => records(timestamp, line, ending).map((piece) => frame(stream === "stdout" ? 1 : 2, piece))

/** What a decoder emitted. */
export interface Decoded {
  readonly lines: ReadonlyArray<{
    readonly stream: LogStream
    readonly timestamp: string
    readonly text: string
    readonly part?: LogPart
  }>
  readonly engineErrors: ReadonlyArray<string>
  readonly malformed: ReadonlyArray<string>
}

/** How to decode. */
export interface DecodeOptions {
  readonly tty?: boolean
  readonly follow?: boolean
  readonly withRecords?: boolean
  readonly lastRunStart?: string | undefined
  /** Answers the decoder's questions. Default: a record ends nowhere within a line. */
  readonly isBoundary?: (question: RunBoundary) => boolean
}

/** Decodes chunks. Each is overwritten after its push, as a connection reuses its buffers. */
export const decode = (chunks: Iterable<Buffer>, options: DecodeOptions = {}): Decoded => {
  const lines: Array<Decoded["lines"][number]> = []
  const engineErrors: Array<string> = []
  const malformed: Array<string> = []
  let token = 0
  const handler: LogHandler = {
    ...(options.withRecords === true ? { record: () => token++ } : {}),
    line: (stream, timestamp, text, part) =>
      lines.push(part === undefined ? { stream, timestamp, text } : { stream, timestamp, text, part }),
    engineError: (message) => engineErrors.push(message),
    malformed: (detail) => malformed.push(detail)
  }
  const decoder = new LogDecoder(options.tty ?? false, options.follow ?? false, handler, options.lastRunStart)
  const answer = () => {
    for (let asked = decoder.question; asked !== undefined; asked = decoder.question) {
      decoder.answer(options.isBoundary?.(asked) ?? false)
    }
  }
  for (const chunk of chunks) {
    const own = Buffer.from(chunk)
    decoder.push(own)
    own.fill(0xaa)
    answer()
  }
  decoder.endRecords()
  answer()
  decoder.end()
  return { lines, engineErrors, malformed }
}

/** Splits the bytes into pieces of random sizes up to `longest`. */
export const cutAtRandom = (bytes: Buffer, random: Randomness, longest: number): ReadonlyArray<Buffer> => {
  const pieces: Array<Buffer> = []
  for (let start = 0; start < bytes.length;) {
    const end = start + random.between(1, longest)
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}
