import { isAscii } from "node:buffer"
import type { LogPart, LogStream } from "../../LogEvent.js"
import { frameLength, FrameSplitter } from "./frameSplitter.js"
import { normalizeTimestamp } from "../api/engineTime.js"
import { recordIdentity } from "./recordIdentity.js"
import { TtySplitter } from "./ttySplitter.js"

/** A line longer than this, in bytes without the newline, comes in parts. */
export const maxLineBytes = 1024 * 1024

/** Takes what a log decodes to. */
export interface LogHandler {
  /**
   * A record has come: a line, or a piece of one. Its bytes, timestamp included, are `bytes[start, end)`. Gives a token under
   * which `LogDecoder.undelivered` names the record while its line is incomplete, or -1 to drop the record.
   */
  readonly record?: (stream: LogStream, timestamp: string, bytes: Buffer, start: number, end: number) => number
  readonly line: (stream: LogStream, timestamp: string, text: string, part: LogPart | undefined) => void
  /** The engine's own voice: it could not read on. */
  readonly engineError: (message: string) => void
  /** These bytes are not a log; nothing more comes. */
  readonly malformed: (detail: string) => void
}

/** A line of which only a beginning has come. */
interface OpenLine {
  readonly timestamp: string
  readonly tokens: Array<number>
  pieces: Array<Buffer>
  size: number
  parts: number
}

interface LastRecord {
  readonly timestamp: string
  readonly identity: number
}

const noRecord: LastRecord = { timestamp: "", identity: -1 }
const wholeSecond = ".000000000Z"
const newline = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const letterZ = 0x5a
const timestampLength = 30

/** The last position up to `end` at which the text may be cut without cutting a UTF-8 sequence. */
const characterBoundary = (bytes: Buffer, end: number): number => {
  let position = end
  while (position > end - 4 && position > 0 && (bytes[position]! & 0xc0) === 0x80) position--
  return (bytes[position]! & 0xc0) === 0x80 ? end : position
}

/**
 * Turns the bytes of a log that was asked for with `timestamps=1` into lines: linear in the bytes, and holding no more than
 * a line and a record for each of the two streams.
 *
 * The engine cuts a line in records of 16 KiB, all with the timestamp of the first, and only the last ends in a newline; so a
 * record goes on the one before it of the same stream if that has no newline and the same timestamp.
 */
export class LogDecoder {
  readonly #handler: LogHandler
  readonly #frames: FrameSplitter | undefined
  readonly #records: TtySplitter | undefined
  readonly #open: Record<LogStream, OpenLine | undefined> = { stdout: undefined, stderr: undefined }
  readonly #last: Record<LogStream, LastRecord> | undefined
  #scratch = Buffer.alloc(0)
  #current = -1

  /**
   * @param tty whether the container has a TTY: its log has no frames then
   * @param follow whether the engine follows the log: where it rotates a file then, it may give a record twice in a row
   */
  constructor(tty: boolean, follow: boolean, handler: LogHandler) {
    this.#handler = handler
    this.#last = follow ? { stdout: noRecord, stderr: noRecord } : undefined
    this.#frames = tty
      ? undefined
      : new FrameSplitter((bytes, start, end) => this.#range(bytes, start, end), handler.malformed)
    this.#records = tty
      ? new TtySplitter((bytes, start, end) => {
          const ascii = isAscii(bytes.subarray(start, end))
          this.#record("stdout", bytes, start, end, ascii ? bytes.toString("latin1", start, end) : undefined, start)
        })
      : undefined
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    this.#frames?.push(chunk)
    this.#records?.push(chunk)
  }

  /** The run is over: a line that has no newline yet will get none. Not to be called when the connection was cut. */
  end(): void {
    this.#records?.end()
    for (const stream of ["stdout", "stderr"] as const) this.#close(stream)
  }

  /** Whether there are records whose line has not been given out. */
  get isOpen(): boolean {
    return this.#open.stdout !== undefined || this.#open.stderr !== undefined || this.#current !== -1
  }

  /** The tokens of all records whose line has not been given out. */
  undelivered(): ReadonlyArray<number> {
    const { stderr, stdout } = this.#open
    if (stdout === undefined && stderr === undefined && this.#current === -1) return none
    const tokens = [...(stdout?.tokens ?? []), ...(stderr?.tokens ?? [])]
    return this.#current === -1 ? tokens : [...tokens, this.#current]
  }

  #range(bytes: Buffer, start: number, end: number): void {
    const text = this.#isAscii(bytes, start, end) ? bytes.toString("latin1", start, end) : undefined
    const handler = this.#handler
    const quick = text !== undefined && handler.record === undefined && this.#last === undefined
    for (let position = start; position < end;) {
      const payload = position + FrameSplitter.headerSize
      const payloadEnd = payload + frameLength(bytes, position)
      const type = bytes[position]
      position = payloadEnd
      if (payload === payloadEnd) continue
      if (type === 3) {
        handler.engineError(bytes.toString("utf8", payload, payloadEnd).trimEnd())
        continue
      }
      const stream = type === 2 ? "stderr" : "stdout"
      const content = payload + timestampLength + 1
      // Nearly every record: a whole line of moderate length, seen by nobody before it is a line.
      if (
        quick &&
        content < payloadEnd &&
        bytes[payloadEnd - 1] === newline &&
        bytes[payloadEnd - 2] !== carriageReturn &&
        bytes[content - 1] === space &&
        bytes[content - 2] === letterZ &&
        this.#open[stream] === undefined &&
        payloadEnd - content <= maxLineBytes
      ) {
        handler.line(
          stream,
          text.slice(payload - start, content - 1 - start),
          text.slice(content - start, payloadEnd - 1 - start),
          undefined
        )
      } else this.#record(stream, bytes, payload, payloadEnd, text, start)
    }
  }

  /** Whether all payloads are ASCII; then one decoding serves the whole range, and lines are slices of it. */
  #isAscii(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start
    if (isAscii(bytes.subarray(start, end))) return true
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafe(Math.max(length, 64 * 1024))
    const scratch = this.#scratch
    bytes.copy(scratch, 0, start, end)
    for (let position = 0; position < length;) {
      const next = position + FrameSplitter.headerSize + frameLength(scratch, position)
      scratch[position + 7] = 0
      scratch[position + 6] = 0
      scratch[position + 5] = 0
      position = next
    }
    return isAscii(scratch.subarray(0, length))
  }

  /** `text`, where there is one, is the decoding of the bytes from `textStart` on. */
  #record(
    stream: LogStream,
    bytes: Buffer,
    start: number,
    end: number,
    text: string | undefined,
    textStart: number
  ): void {
    const handler = this.#handler
    const open = this.#open[stream]
    let content: number
    let timestamp: string
    if (
      end - start > timestampLength &&
      bytes[start + timestampLength] === space &&
      bytes[start + timestampLength - 1] === letterZ
    ) {
      content = start + timestampLength + 1
      timestamp =
        text === undefined
          ? bytes.toString("latin1", start, start + timestampLength)
          : text.slice(start - textStart, start - textStart + timestampLength)
    } else {
      const gap = bytes.subarray(start, end).indexOf(space)
      const parsed = gap === -1 ? undefined : normalizeTimestamp(bytes.toString("latin1", start, start + gap))
      if (parsed === undefined) {
        // No timestamp of its own: it goes on the record before it.
        content = start
        timestamp = open?.timestamp ?? ""
      } else {
        content = start + gap + 1
        timestamp = parsed
      }
    }

    const terminated = bytes[end - 1] === newline
    if (this.#last !== undefined && this.#isRepeated(this.#last, stream, timestamp, bytes, start, end)) return
    if (handler.record !== undefined) {
      const token = handler.record(stream, timestamp, bytes, start, end)
      if (token === -1) return
      this.#current = token
    }
    if (open !== undefined && open.timestamp !== timestamp) this.#close(stream)

    let contentEnd = end
    if (terminated) {
      contentEnd--
      // A terminal turns \r\n into \r\r\n.
      let returns = this.#records === undefined ? 1 : 2
      for (; returns > 0 && contentEnd > content && bytes[contentEnd - 1] === carriageReturn; returns--) contentEnd--
      if (contentEnd === content) this.#trim(stream, returns)
    }

    if (terminated && this.#open[stream] === undefined && contentEnd - content <= maxLineBytes) {
      this.#current = -1
      handler.line(
        stream,
        timestamp,
        text === undefined
          ? bytes.toString("utf8", content, contentEnd)
          : text.slice(content - textStart, contentEnd - textStart),
        undefined
      )
      return
    }
    this.#append(stream, timestamp, bytes, content, contentEnd)
    if (terminated) this.#close(stream)
  }

  /** Whether the engine gives the record a second time: two lines of a stream don't bear the same nanosecond. */
  #isRepeated(
    last: Record<LogStream, LastRecord>,
    stream: LogStream,
    timestamp: string,
    bytes: Buffer,
    start: number,
    end: number
  ): boolean {
    const identity = recordIdentity(stream, bytes, start, end)
    const previous = last[stream]
    last[stream] = { timestamp, identity }
    return (
      identity === previous.identity &&
      timestamp === previous.timestamp &&
      // Pieces of one line do have one timestamp, and an engine that counts whole seconds gives it to many lines.
      bytes[end - 1] === newline &&
      this.#open[stream] === undefined &&
      !timestamp.endsWith(wholeSecond)
    )
  }

  #append(stream: LogStream, timestamp: string, bytes: Buffer, start: number, end: number): void {
    const open = (this.#open[stream] ??= { timestamp, tokens: [], pieces: [], size: 0, parts: 0 })
    if (this.#current !== -1) open.tokens.push(this.#current)
    this.#current = -1
    open.pieces.push(Buffer.from(bytes.subarray(start, end)))
    open.size += end - start
    while (open.size > maxLineBytes) {
      const whole = open.pieces.length === 1 ? open.pieces[0]! : Buffer.concat(open.pieces)
      const cut = characterBoundary(whole, maxLineBytes)
      open.pieces = [whole.subarray(cut)]
      open.size = whole.length - cut
      this.#handler.line(stream, timestamp, whole.toString("utf8", 0, cut), { index: ++open.parts, last: false })
    }
  }

  /** Takes carriage returns off the end of what is open: the engine cut the record between them and the newline. */
  #trim(stream: LogStream, returns: number): void {
    const open = this.#open[stream]
    const last = open?.pieces.at(-1)
    if (open === undefined || last === undefined) return
    let end = last.length
    for (let left = returns; left > 0 && last[end - 1] === carriageReturn; left--) end--
    open.pieces[open.pieces.length - 1] = last.subarray(0, end)
    open.size -= last.length - end
  }

  #close(stream: LogStream): void {
    const open = this.#open[stream]
    if (open === undefined) return
    this.#open[stream] = undefined
    const text = open.pieces.length === 1 ? open.pieces[0]! : Buffer.concat(open.pieces)
    this.#handler.line(
      stream,
      open.timestamp,
      text.toString("utf8"),
      open.parts === 0 ? undefined : { index: open.parts + 1, last: true }
    )
  }
}

const none: ReadonlyArray<number> = []
