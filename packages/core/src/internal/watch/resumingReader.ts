import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import type { ContainerNotFound, DockerFailure, LogsUnreadable } from "../../DockerError.js"
import { hasApi } from "../api/apiVersion.js"
import { millisTimestamp, responseMillis, toEngineTime, timestampMillis } from "../api/engineTime.js"
import type { DeliveryTracker, Expectation } from "../logs/deliveryTracker.js"
import { LogDecoder, type LogHandler } from "../logs/logDecoder.js"
import { inspectSubject, type LogQuery, type LogSubject, openLog } from "../logs/logRequest.js"
import { currentTimestamp, type FollowOutput } from "./followOutput.js"

/** What can end an attempt to read a log. */
export type ReadError = ContainerNotFound | LogsUnreadable | DockerFailure

/** Where a follow without a position begins. */
export interface ReadStart {
  readonly tail: number | undefined
  /** As the engine takes it. */
  readonly since: string | undefined
  /** Whether there is nothing to leave out, because the container has never run. */
  readonly isEmpty: boolean
}

/** How much of the log to read. */
export interface ReadRange {
  /** As the engine takes it. */
  readonly until?: string
  /** Whether to wait for more until the engine ends the log. */
  readonly follow?: boolean
  /** Whether the run is over, so that a last line without a newline is complete. */
  readonly flush?: boolean
}

type RecordHandler = NonNullable<LogHandler["record"]>

/**
 * How a request ended: `ended` by the engine, `refused` because the response did not begin with the anchor, or `late`
 * because the container has been started again and the response belongs to a later run.
 */
type Ending = "ended" | "refused" | "late"

/**
 * Limits for the first requests of a resume. Finding the anchor among the last records is a hundred times faster than from
 * the start of the log.
 */
const tails = [1000, 10_000, 100_000, undefined]

/** Before API 1.43, `since` also drops records with an earlier timestamp that follow the anchor. */
const olderEngineSlackMillis = 2000

/** How far past the anchor's timestamp to search for it. Records close to each other have similar timestamps. */
const searchMillis = 10_000

/** When a response was sent, by the engine's clock. */
const dateTimestamp = (headers: Readonly<Record<string, string>> | undefined): string | undefined => {
  const millis = responseMillis(headers)
  return millis === undefined ? undefined : millisTimestamp(millis)
}

const ignoreLines = { line: () => {}, engineError: () => {}, malformed: () => {} }

/**
 * Reads a container's log, each time from where it stopped: opens it, resumes at the anchor (see `DeliveryTracker`), and
 * sends lines, gaps and errors to the output. It knows nothing of runs; the caller says how much to read.
 */
export class ResumingReader {
  readonly #tracker: DeliveryTracker
  /** Whether the caller's start no longer matters: something has been read, or there was nothing to leave out. */
  #isBeyondStart: boolean
  #isOlderEngine: boolean | undefined
  #decoder: LogDecoder | undefined
  /** When the log was first opened, by the engine's clock. */
  #openedAt: string | undefined

  constructor(
    readonly docker: DockerShape,
    readonly output: FollowOutput,
    readonly start: ReadStart
  ) {
    this.#tracker = output.tracker
    this.#isBeyondStart = start.isEmpty
  }

  /** Whether the log could be opened at least once. */
  get hasOpened(): boolean {
    return this.#openedAt !== undefined
  }

  /** Reads what has not been delivered yet. */
  read({ tty }: LogSubject, range: ReadRange): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      const anchor = this.#tracker.anchor
      if (anchor === undefined) return yield* this.#readFirst(tty, range)
      const slack = (yield* this.#needsSlack) ? olderEngineSlackMillis : 0
      const since = toEngineTime(anchor, -slack)
      if (slack === 0) {
        // Among the last records there may be another piece of a long line that equals an anchor which is one.
        for (const tail of this.#tracker.isAnchorUnique ? tails : [undefined]) {
          if ((yield* this.#request(tty, { tail, since }, "anchor", range)) !== "refused") return
        }
      }
      const exists = yield* this.#anchorExists(tty, anchor, since)
      yield* this.#request(tty, { since }, exists ? "skip" : "gap", range)
    })
  }

  /** Completes the line that the last response ended in; there will be no more. The output is not flushed. */
  complete(): void {
    this.#decoder?.end()
    this.#tracker.end([])
  }

  /** Whether the engine's API is older than 1.43. */
  get #needsSlack(): Effect.Effect<boolean, DockerFailure> {
    return Effect.gen(this, function* () {
      this.#isOlderEngine ??= !(yield* hasApi(this.docker, 43))
      return this.#isOlderEngine
    })
  }

  /** Reads as long as nothing has been delivered: from where the caller asked. */
  #readFirst(tty: boolean, range: ReadRange): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      const { since, tail } = this.start
      if (!this.#isBeyondStart && tail === 0) {
        yield* this.#skipToEnd(tty)
        this.#isBeyondStart = true
        if (this.#tracker.anchor !== undefined) return
      }
      // `tail` counts only in the first request: after a lost connection it would leave out what was written since then.
      const openedAt = this.#openedAt
      const query =
        this.#isBeyondStart || tail === undefined
          ? { since }
          : openedAt === undefined
            ? { tail, since }
            : { since: yield* this.#sinceOfTail(tty, tail, openedAt) }
      const ending = yield* this.#request(tty, query, "anchor", range)
      this.#isBeyondStart ||= ending === "ended"
    })
  }

  /** Sends one request for the log and delivers the response. */
  #request(
    tty: boolean,
    query: Pick<LogQuery, "tail" | "since">,
    expectation: Expectation,
    { flush = false, follow = false, until }: ReadRange
  ): Effect.Effect<Ending, ReadError> {
    return Effect.gen(this, function* () {
      this.#tracker.begin(expectation)
      const { body, headers } = yield* this.#open({ ...query, until, follow })
      this.#openedAt ??= dateTimestamp(headers) ?? (yield* currentTimestamp)
      if (follow && (yield* this.#isLaterRun)) return "late"
      const errors: Array<string> = []
      let isMalformed = false
      const decoder = this.#delivering(tty, follow, errors, () => {
        isMalformed = true
      })
      this.#decoder = decoder
      const deliver = Effect.suspend(() =>
        errors.length === 0
          ? this.output.flush
          : Effect.forEach(errors.splice(0), (error) => this.output.engineError(error, decoder.undelivered()), {
              discard: true
            }).pipe(Effect.zipRight(this.output.flush))
      )
      yield* body.pipe(
        Stream.map((chunk) => decoder.push(chunk)),
        Stream.takeUntil(() => this.#tracker.refused || isMalformed),
        Stream.runForEach(() => deliver),
        Effect.ensuring(Effect.sync(() => this.#tracker.end(decoder.undelivered())))
      )
      if (this.#tracker.refused) return "refused"
      if (flush) {
        this.complete()
        yield* this.output.flush
      }
      return "ended"
    }).pipe(Effect.scoped)
  }

  #open(query: Omit<LogQuery, "streams">) {
    return openLog(this.docker, this.#tracker.containerId, { ...query, streams: undefined })
  }

  /** Whether the container was started again between the caller's inspect and the opening of the log. */
  get #isLaterRun(): Effect.Effect<boolean> {
    return Effect.map(
      Effect.either(inspectSubject(this.docker, this.#tracker.containerId)),
      (inspected) => Either.isRight(inspected) && inspected.right.startedAt !== this.#tracker.run?.startedAt
    )
  }

  /** A decoder that sends lines and gaps to the output. */
  #delivering(tty: boolean, follow: boolean, errors: Array<string>, onMalformed: () => void): LogDecoder {
    const { output } = this
    const tracker = this.#tracker
    const decoder: LogDecoder = new LogDecoder(tty, follow, {
      record: (stream, timestamp, bytes, start, end) => {
        const token = tracker.record(stream, timestamp, bytes, start, end, decoder.isOpen)
        const gap = tracker.takeGap()
        if (gap !== undefined) output.gap(gap, token)
        return token
      },
      line: (stream, timestamp, text, part) => output.line(stream, timestamp, text, part, decoder.undelivered()),
      engineError: (message) => errors.push(message),
      malformed: (detail) => {
        onMalformed()
        errors.push(`the response is not a container log: ${detail}`)
      }
    })
    return decoder
  }

  /** Passes the records that the log has now to `record`, until `isDone`. */
  #scan(
    tty: boolean,
    query: Pick<LogQuery, "tail" | "since">,
    record: RecordHandler,
    isDone: () => boolean
  ): Effect.Effect<LogDecoder, ReadError> {
    return Effect.gen(this, function* () {
      const { body } = yield* this.#open({ ...query, follow: false })
      const decoder = new LogDecoder(tty, false, { ...ignoreLines, record })
      yield* body.pipe(
        Stream.map((chunk) => decoder.push(chunk)),
        Stream.takeUntil(isDone),
        Stream.runDrain
      )
      return decoder
    }).pipe(Effect.scoped)
  }

  /** Whether the engine still has the anchor. */
  #anchorExists(tty: boolean, anchor: string, since: string): Effect.Effect<boolean, ReadError> {
    return Effect.suspend(() => {
      const limit = millisTimestamp(timestampMillis(anchor) + searchMillis)
      let isFound = false
      let isBeyond = false
      const record: RecordHandler = (stream, timestamp, bytes, start, end) => {
        isFound ||= this.#tracker.isAnchor(stream, bytes, start, end)
        isBeyond ||= timestamp > limit
        return -1
      }
      return Effect.map(
        this.#scan(tty, { since }, record, () => isFound || isBeyond),
        () => isFound
      )
    })
  }

  /** The time of the first of the last `tail` records, or when the log was first opened if that is earlier. */
  #sinceOfTail(tty: boolean, tail: number, openedAt: string): Effect.Effect<string, ReadError> {
    return Effect.suspend(() => {
      let from = openedAt
      let isFound = false
      const record: RecordHandler = (_stream, timestamp) => {
        if (!isFound && timestamp < from) from = timestamp
        isFound = true
        return -1
      }
      return Effect.map(
        this.#scan(tty, { tail }, record, () => isFound),
        () => {
          const { since } = this.start
          const found = toEngineTime(from)
          return since !== undefined && Number(since) > Number(found) ? since : found
        }
      )
    })
  }

  /** Counts the last record as delivered, so that reading begins after it. */
  #skipToEnd(tty: boolean): Effect.Effect<void, ReadError> {
    const record: RecordHandler = (stream, timestamp, bytes, start, end) =>
      this.#tracker.record(stream, timestamp, bytes, start, end, false)
    return Effect.map(
      this.#scan(tty, { tail: 1 }, record, () => false),
      (decoder) => decoder.end()
    )
  }
}
