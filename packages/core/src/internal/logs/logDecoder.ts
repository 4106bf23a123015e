import { isAscii } from "node:buffer"
import type { LogPart, LogStream } from "../../LogEvent.js"
import { frameLength, FrameSplitter } from "./frameSplitter.js"
import { normalizeTimestamp } from "../api/engineTime.js"
import { recordIdentity } from "./recordIdentity.js"
import { type RunBoundary, TtySplitter } from "./ttySplitter.js"

/** Lines longer than this, in bytes without the newline, are delivered in parts. */
export const maxLineBytes = 1024 * 1024

/** Receives what a `LogDecoder` decodes. */
export interface LogHandler {
  /**
   * Called with each record, which is a line or a piece of one: `bytes[start, end)`, including the timestamp. Returns a token
   * that identifies the record in `LogDecoder.undelivered` while its line is incomplete, or -1 to drop the record.
   */
  readonly record?: (stream: LogStream, timestamp: string, bytes: Buffer, start: number, end: number) => number
  readonly line: (stream: LogStream, timestamp: string, text: string, part: LogPart | undefined) => void
  /** The engine reported an error inside the log. */
  readonly engineError: (message: string) => void
  /** The bytes are not a log. All further bytes are ignored. */
  readonly malformed: (detail: string) => void
}

/** A line that is not complete yet. */
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
/** How the engine begins an error in a log without frames, where each record of the program begins with a timestamp. */
const errorPrefix = "Error grabbing logs: "

/** The last offset up to `end` where the text can be split without splitting a UTF-8 sequence. */
const characterBoundary = (bytes: Buffer, end: number): number => {
  let offset = end
  while (offset > end - 4 && offset > 0 && (bytes[offset]! & 0xc0) === 0x80) offset--
  return (bytes[offset]! & 0xc0) === 0x80 ? end : offset
}

/**
 * Decodes the bytes of a log with timestamps into lines, in linear time. Holds at most one line and one record for each of
 * the two streams.
 *
 * The engine splits a line into records of 16 KiB. All have the timestamp of the first, and only the last ends in a newline.
 * So a record continues the one before it of the same stream if that has no newline and the same timestamp.
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
   * @param tty whether the container has a TTY, and so a log without frames
   * @param follow whether the engine follows the log. It may then send a record twice in a row where it rotates a file.
   * @param lastRunStart when the last run began that the log can have; `undefined` if that is not known
   */
  constructor(tty: boolean, follow: boolean, handler: LogHandler, lastRunStart?: string) {
    this.#handler = handler
    this.#last = follow ? { stdout: noRecord, stderr: noRecord } : undefined
    this.#frames = tty
      ? undefined
      : new FrameSplitter((bytes, start, end) => this.#decodeFrames(bytes, start, end), handler.malformed)
    this.#records = tty
      ? new TtySplitter((bytes, start, end) => {
          const ascii = isAscii(bytes.subarray(start, end))
          this.#record("stdout", bytes, start, end, ascii ? bytes.toString("latin1", start, end) : undefined, start)
        }, lastRunStart)
      : undefined
  }

  /** Decodes the next chunk. */
  push(chunk: Uint8Array): void {
    this.#frames?.push(chunk)
    this.#records?.push(chunk)
  }

  /** What has to be answered before it decodes any more (see `TtySplitter`). */
  get question(): RunBoundary | undefined {
    return this.#records?.question
  }

  /** Answers the question: whether a record ends there. */
  answer(isBoundary: boolean): void {
    this.#records?.answer(isBoundary)
  }

  /** Decodes the last record, which may have no newline. Call it when no more can follow. There may be a question. */
  endRecords(): void {
    this.#records?.end()
  }

  /** Emits lines that have no newline yet. Call it when no more can follow, but not if the connection was cut. */
  end(): void {
    this.endRecords()
    // What nobody can answer is text.
    while (this.question !== undefined) this.answer(false)
    for (const stream of ["stdout", "stderr"] as const) this.#close(stream)
  }

  /**
   * Decodes a record that the decoder has passed to its handler before, and that the handler dropped: `bytes[start, end)`.
   *
   * @param text the decoded bytes from their start on, if they are ASCII
   */
  redeliver(stream: LogStream, bytes: Buffer, start: number, end: number, text?: string): void {
    const last = this.#last?.[stream]
    if (this.#last !== undefined) this.#last[stream] = noRecord
    this.#record(stream, bytes, start, end, text, 0)
    if (this.#last !== undefined && last !== undefined) this.#last[stream] = last
  }

  /** Forgets lines that have no newline yet. Bytes that are not a whole record are kept. */
  discard(): void {
    this.#open.stdout = undefined
    this.#open.stderr = undefined
    this.#current = -1
  }

  /** Whether there are records whose line has not been emitted. */
  get isOpen(): boolean {
    return this.#open.stdout !== undefined || this.#open.stderr !== undefined || this.#current !== -1
  }

  /** The tokens of all records whose line has not been emitted. */
  undelivered(): ReadonlyArray<number> {
    const { stderr, stdout } = this.#open
    if (stdout === undefined && stderr === undefined && this.#current === -1) return none
    const tokens = [...(stdout?.tokens ?? []), ...(stderr?.tokens ?? [])]
    return this.#current === -1 ? tokens : [...tokens, this.#current]
  }

  #decodeFrames(bytes: Buffer, start: number, end: number): void {
    const text = this.#isAscii(bytes, start, end) ? bytes.toString("latin1", start, end) : undefined
    const handler = this.#handler
    const isPlain = text !== undefined && handler.record === undefined && this.#last === undefined
    for (let offset = start; offset < end;) {
      const payload = offset + FrameSplitter.headerSize
      const payloadEnd = payload + frameLength(bytes, offset)
      const type = bytes[offset]
      offset = payloadEnd
      if (payload === payloadEnd) continue
      if (type === 3) {
        handler.engineError(bytes.toString("utf8", payload, payloadEnd).trimEnd())
        continue
      }
      const stream = type === 2 ? "stderr" : "stdout"
      const content = payload + timestampLength + 1
      // The fast path for nearly all records: a whole line that is not too long, with no handler for records.
      if (
        isPlain &&
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

  /** Whether all payloads are ASCII, so that the whole range can be decoded at once and lines are slices of the result. */
  #isAscii(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start
    if (isAscii(bytes.subarray(start, end))) return true
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafe(Math.max(length, 64 * 1024))
    const scratch = this.#scratch
    bytes.copy(scratch, 0, start, end)
    for (let offset = 0; offset < length;) {
      const next = offset + FrameSplitter.headerSize + frameLength(scratch, offset)
      scratch[offset + 7] = 0
      scratch[offset + 6] = 0
      scratch[offset + 5] = 0
      offset = next
    }
    return isAscii(scratch.subarray(0, length))
  }

  /** @param text the decoded bytes from `textStart` on, if they are ASCII */
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
      if (parsed === undefined && this.#records !== undefined && bytes.indexOf(errorPrefix, start) === start) {
        handler.engineError(bytes.toString("utf8", start, end).trimEnd())
        return
      }
      if (parsed === undefined) {
        // Without a timestamp, it continues the record before it.
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
      // A TTY turns \r\n into \r\r\n.
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

  /** Whether the engine sent the record a second time. No two lines of a stream have the same timestamp. */
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
      // But the pieces of a line do, and so do lines from an engine whose timestamps are whole seconds.
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

  /** Removes carriage returns from the end of the open line: the engine split the record between them and the newline. */
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
