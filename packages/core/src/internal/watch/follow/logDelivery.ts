import * as Effect from "effect/Effect"
import { isAscii } from "node:buffer"
import type { LogStream } from "../../../LogEvent.js"
import type { DeliveryTracker, Expectation } from "../../logs/deliveryTracker.js"
import { FileRoom } from "./fileRoom.js"
import { LogDecoder, type LogHandler } from "../../logs/logDecoder.js"
import { recordIdentity } from "../../logs/recordIdentity.js"
import type { FollowOutput } from "./followOutput.js"
import { type HeldRecord, HeldRecords, type LogRecord, stretches, withoutRepeats } from "./heldRecords.js"

/** Why there is a gap. */
const gapReasons = {
  rotated: "the engine rotated the log before these lines were read",
  unreadable: "the engine can't read this part of the log"
}

/** Sees all that is read. */
export interface ReadObserver {
  /** A response begins. Those in front of it do not count. */
  readonly beginRead: () => void
  /** A record was read, which may have been delivered before. */
  readonly read: (stream: LogStream, timestamp: string, identity: number) => void
  /** The decoder of the live stream. */
  readonly live: LogDecoder
}

/** What a decoder does besides sending lines and gaps to the output. */
export interface DecoderHandler extends Pick<LogHandler, "engineError" | "malformed"> {
  /** Whether to deliver the record. */
  readonly judge: (stream: LogStream, timestamp: string, bytes: Buffer, start: number, end: number) => boolean
  /** See `ResponseOptions`. */
  readonly isWholeLog?: boolean | undefined
}

/** How a response is to be read. */
export interface ResponseOptions {
  /** Whether the engine follows the log. */
  readonly follow?: boolean
  readonly observer?: ReadObserver
  /** The identity of the record that it must begin with. */
  readonly first?: number
  /** Whether it begins where the log does. */
  readonly isWholeLog?: boolean
}

/** A response that is being read. */
export interface LogResponse {
  readonly decoder: LogDecoder
  /** To be reported. */
  readonly errors: Array<string>
  isMalformed: boolean
  /** Whether the engine sent an error. */
  hasFailed: boolean
  /** Whether it does not begin with the record that it must begin with. */
  isRefused: boolean
  /**
   * Whether the live stream has yet to send the records in front of the response, which the engine can no longer read. What
   * was held has been delivered; the live stream continues it.
   */
  isBehind: boolean
}

/** The text of a block of bytes up to the last record in it, if it is ASCII; `index` is that of the first record. */
const asciiText = (records: ReadonlyArray<LogRecord>, index: number): string | undefined => {
  const bytes = records[index]?.bytes ?? Buffer.alloc(0)
  let last = index
  while (records[last + 1]?.bytes === bytes) last++
  const used = bytes.subarray(0, records[last]?.end)
  return isAscii(used) ? used.toString("latin1") : undefined
}

/** Turns the records of responses into lines and gaps, each record once. */
export class LogDelivery {
  readonly tracker: DeliveryTracker
  /** What a live stream has sent and was not delivered, because the log is read instead. */
  readonly held = new HeldRecords()
  /** How full the log's newest file is after the last record that was delivered. */
  room = new FileRoom(undefined)
  #decoder: LogDecoder | undefined
  #isRedelivering = false
  #gapReason: keyof typeof gapReasons = "rotated"

  constructor(
    readonly output: FollowOutput,
    /** Whether the container has a TTY. */
    readonly tty: boolean
  ) {
    this.tracker = output.tracker
  }

  /** Whether the last record belongs to a line that is not complete. */
  get isWithinLine(): boolean {
    return this.#decoder?.isOpen ?? false
  }

  /** Completes the line that the last response ended in; there will be no more. */
  completeLine(): void {
    this.#decoder?.end()
    this.tracker.end([])
  }

  /** Continues with a decoder whose records follow on what has been read. */
  continueWith(decoder: LogDecoder): void {
    this.#decoder = decoder
  }

  /** Interrupts a decoder within a line. The records of the line are read again. */
  interrupt(decoder: LogDecoder): void {
    if (this.#decoder === decoder) this.tracker.end(decoder.undelivered())
    decoder.discard()
  }

  /** A decoder that sends lines and gaps to the output. */
  decoder(follow: boolean, { engineError, isWholeLog = false, judge, malformed }: DecoderHandler): LogDecoder {
    const { output, tracker } = this
    const handler: LogHandler = {
      record: (stream, timestamp, bytes, start, end) => {
        if (!this.#isRedelivering && !judge(stream, timestamp, bytes, start, end)) return -1
        const token = tracker.record(stream, timestamp, bytes, start, end, decoder.isOpen)
        const gap = tracker.takeGap()
        if (gap !== undefined) {
          output.gap(gap, token, gapReasons[this.#gapReason])
          this.room.forget()
        }
        if (token !== -1 || isWholeLog) this.room.add(stream, bytes, start, end)
        return token
      },
      line: (stream, timestamp, text, part) => output.line(stream, timestamp, text, part, decoder.undelivered()),
      engineError,
      malformed
    }
    // A followed response ends with its run.
    const decoder = new LogDecoder(this.tty, follow, handler, follow ? tracker.run?.startedAt : undefined)
    return decoder
  }

  /** Begins a response. The tracker has begun it with the expectation. */
  response(expectation: Expectation, { first, follow = false, isWholeLog, observer }: ResponseOptions): LogResponse {
    observer?.beginRead()
    if (isWholeLog === true) this.room.begin()
    else if (this.tracker.isRepeating) this.room.forget()
    let isFirst = first !== undefined
    let isAfterHeld = expectation === "gap" || this.tracker.anchor === undefined
    const decoder = this.decoder(follow, {
      isWholeLog,
      judge: (stream, timestamp, bytes, start, end) => {
        if (!isFirst && !isAfterHeld && observer === undefined) return true
        const identity = recordIdentity(stream, bytes, start, end)
        response.isRefused ||= isFirst && identity !== first
        isFirst = false
        if (response.isRefused || response.isBehind) return false
        if (isAfterHeld) response.isBehind = this.#deliverBefore(timestamp, identity, observer?.live)
        isAfterHeld = false
        if (response.isBehind) return false
        observer?.read(stream, timestamp, identity)
        return true
      },
      engineError: (message) => {
        response.hasFailed = true
        this.room.forget()
        response.errors.push(message)
      },
      malformed: (detail) => {
        response.isMalformed = true
        response.errors.push(`the response is not a container log: ${detail}`)
      }
    })
    const response: LogResponse = {
      decoder,
      errors: [],
      isMalformed: false,
      hasFailed: false,
      isRefused: false,
      isBehind: false
    }
    this.#decoder = decoder
    return response
  }

  /** Delivers what follows after a part of the log that can't be read. */
  afterUnreadable<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        this.#gapReason = "unreadable"
      }),
      () => effect,
      () =>
        Effect.sync(() => {
          this.#gapReason = "rotated"
        })
    )
  }

  /** Delivers records that may follow after a gap. */
  deliverAfterGap(records: ReadonlyArray<LogRecord>): void {
    this.tracker.begin("gap")
    this.#decoder = this.#newDecoder()
    this.#redeliver(this.#decoder, records)
    this.tracker.end(this.#decoder.undelivered())
  }

  /** Delivers what has arrived of a log that can no longer be read. The output is not flushed. */
  complete(): void {
    const { isWhole } = this.held
    const records = this.#undelivered(this.held.take())
    if (records.length > 0) {
      this.tracker.begin("next")
      if (!isWhole) this.tracker.markGap()
      this.#decoder = this.#newDecoder()
      this.#redeliver(this.#decoder, records)
    }
    this.completeLine()
  }

  /** Delivers all held records, which follow directly on what has been delivered, with the decoder of the live stream. */
  deliverHeld(live: LogDecoder): ReadonlyArray<HeldRecord> {
    const records = this.held.take()
    this.#redeliver(live, records)
    return records
  }

  /**
   * Delivers the held records that lay in front of the first one that the engine still has. Returns whether the live stream
   * has more of them.
   */
  #deliverBefore(timestamp: string, identity: number, live: LogDecoder | undefined): boolean {
    const { isContiguous, reaches, records } = this.held.takeBefore(timestamp, identity)
    const [first] = records
    if (first === undefined) return false
    const isBehind = live !== undefined && !reaches
    const undelivered = this.#undelivered(records)
    // The engine has rotated at least one file away.
    this.room.forget()
    const decoder = isBehind ? live : this.#newDecoder()
    this.tracker.begin("next")
    for (const stretch of stretches(undelivered)) {
      const isStart = this.tracker.anchor === undefined && stretch.records[0] === first
      if (!isStart) this.tracker.markGap(stretch.gapTo, first.timestamp)
      this.#redeliver(decoder, stretch.records)
    }
    if (isBehind) return true
    this.tracker.end(decoder.undelivered())
    this.tracker.begin(isContiguous && undelivered.length > 0 ? "next" : "gap")
    return false
  }

  #newDecoder(): LogDecoder {
    return this.decoder(false, { judge: () => true, engineError: () => {}, malformed: () => {} })
  }

  #redeliver(decoder: LogDecoder, records: ReadonlyArray<LogRecord>): void {
    this.#isRedelivering = true
    try {
      let block: Buffer | undefined
      let text: string | undefined
      for (const [index, { bytes, end, start, stream }] of records.entries()) {
        // Records that lie together are decoded at once.
        if (bytes !== block) text = asciiText(records, index)
        block = bytes
        decoder.redeliver(stream, bytes, start, end, text)
      }
    } finally {
      this.#isRedelivering = false
    }
  }

  /** Those that have not been delivered. The live stream may send some that a read has delivered, and some repeatedly. */
  #undelivered(records: ReadonlyArray<HeldRecord>): ReadonlyArray<HeldRecord> {
    const latest = { stdout: this.tracker.latestOf("stdout"), stderr: this.tracker.latestOf("stderr") }
    return withoutRepeats(records.filter(({ stream, timestamp }) => timestamp > latest[stream]))
  }
}
