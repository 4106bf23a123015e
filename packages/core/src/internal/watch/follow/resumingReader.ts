import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { hasApi } from "../../api/apiVersion.js"
import { millisTimestamp, responseMillis, toEngineTime } from "../../api/engineTime.js"
import { reopenLog } from "../../api/schedules.js"
import type { DeliveryTracker, Expectation } from "../../logs/deliveryTracker.js"
import { inspectSubject, type LogQuery, type LogSubject, openLog } from "../../logs/logRequest.js"
import { decodeChunk, decodeRest } from "../../logs/runBoundary.js"
import { findReadable, type ReadableEnd, readInFront } from "./corruptStretch.js"
import { currentTimestamp, type FollowOutput } from "./followOutput.js"
import { LogDelivery, type ResponseOptions } from "./logDelivery.js"
import { LogScanner, type ReadError } from "./logScanner.js"
import { MuteProbe } from "./muteProbe.js"
import { VerifiedFollow } from "./verifiedFollow.js"

/** Where a follow without a position begins. */
export interface ReadStart {
  readonly tail: number | undefined
  /** As the engine takes it. */
  readonly since: string | undefined
  /** Whether there is nothing to leave out, because the container has never run. */
  readonly isEmpty: boolean
}

/** How much of the log to read. */
export interface ReadRange extends ResponseOptions {
  /** As the engine takes it. */
  readonly until?: string
  /** Whether `until` is later than what has been delivered. */
  readonly isWhole?: boolean
  /** Whether errors of the engine are not to be reported. */
  readonly isQuiet?: boolean
  /** Whether the run is over, so that a last line without a newline is complete. */
  readonly flush?: boolean
  /** How many records there are probably to read. Default: 1000. */
  readonly expected?: number
}

/**
 * How a request ended: `ended` by the engine, `failed` by an error that the engine sent instead of the rest of the log,
 * `refused` because the response did not begin where it should, `late` because the container has been started again and the
 * response belongs to a later run, or `behind` because the live stream has to continue first (see `LogResponse`).
 */
type Ending = "ended" | "failed" | "refused" | "late" | "behind"

/**
 * Limits for the first requests of a resume. Finding the anchor among the last records is a hundred times faster than from
 * the start of the log.
 */
const tails = [1000, 10_000, 100_000, undefined]

/** Before API 1.43, `since` also drops records with an earlier timestamp that follow the anchor. */
const olderEngineSlackMillis = 2000

/** How many responses in a row must end with an error before the log is taken to be corrupt. */
const maxFailures = 3

/** How often to look for the first record after a part that can't be read, before a later one will do. */
const maxSteps = 5

/** Stands for the identity of the last record of an empty log. */
const noRecord = -1

/** When a response was sent, by the engine's clock. */
const dateTimestamp = (headers: Readonly<Record<string, string>> | undefined): string | undefined => {
  const millis = responseMillis(headers)
  return millis === undefined ? undefined : millisTimestamp(millis)
}

/**
 * Reads a container's log, each time from where it stopped: opens it, resumes at the anchor (see `DeliveryTracker`), and
 * sends lines, gaps and errors to the output. It knows nothing of runs; the caller says how much to read.
 */
export class ResumingReader {
  readonly tracker: DeliveryTracker
  readonly delivery: LogDelivery
  /** Whether the caller's start no longer matters: something has been read, or there was nothing to leave out. */
  #isBeyondStart: boolean
  #isOlderEngine: boolean | undefined
  /** When the log was first opened, by the engine's clock. */
  #openedAt: string | undefined
  /** The responses in a row that failed. */
  #failures = 0
  /** How many of the last records could be read when the tracker had counted `count`: those in front are corrupt. */
  #readable: { readonly records: number; readonly count: number } | undefined
  /** The identity of the last record of a log of which nothing is to be delivered. */
  #lastUndelivered: number | undefined
  readonly #mute = new MuteProbe()
  readonly scanner: LogScanner
  readonly #verified = new VerifiedFollow(this)

  constructor(
    readonly docker: DockerShape,
    readonly output: FollowOutput,
    readonly start: ReadStart,
    tty: boolean
  ) {
    this.delivery = new LogDelivery(output, tty)
    this.tracker = output.tracker
    this.#isBeyondStart = start.isEmpty
    this.scanner = new LogScanner(docker, output.tracker, tty)
  }

  /** Whether the log could be opened at least once. */
  get hasOpened(): boolean {
    return this.#openedAt !== undefined
  }

  /** The responses in a row that failed. */
  get failures(): number {
    return this.#failures
  }

  /** Reads what has not been delivered yet. */
  read(subject: LogSubject, range: ReadRange): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      if (range.follow !== true) return yield* this.#readWhole(range)
      // Neither the order of the records nor `since` can be relied on before API 1.43.
      if (yield* this.#needsSlack) return yield* Effect.asVoid(this.catchUp(range))
      const fileBytes = this.#mute.isSuspect ? 0 : subject.rotationSize
      const files = this.#mute.isSuspect ? undefined : subject.files
      if (fileBytes !== undefined) return yield* this.#verified.run(fileBytes, files)
      const following = this.catchUp(range).pipe(
        Effect.tap((ending) => Effect.sync(() => (ending === "failed" ? this.#mute.suspect() : undefined)))
      )
      yield* Effect.raceFirst(following, this.#mute.untilMute(this.#hasNews))
    })
  }

  /** Reads what has not been delivered yet, again while the engine fails to read the log. */
  #readWhole(range: ReadRange): Effect.Effect<void, ReadError> {
    return this.catchUp(range).pipe(
      Effect.repeat({
        schedule: reopenLog,
        until: (ending) => ending !== "failed" || this.#failures >= 2 * maxFailures
      }),
      Effect.asVoid
    )
  }

  /**
   * Reads what has not been delivered yet. If the engine fails to read the log again and again, the records that it can't
   * read are stepped over.
   */
  catchUp(range: ReadRange): Effect.Effect<Ending, ReadError> {
    return Effect.gen(this, function* () {
      // The log is read again soon, and an error that passes, as while a file is replaced, is none. One that lasts is reported once.
      const isQuiet = this.#failures !== (range.follow === true ? 0 : 1)
      const read = yield* this.#resume({ ...range, isQuiet })
      const ending = read === "ended" && !(yield* this.#isAtEnd(range)) ? "failed" : read
      if (ending !== "failed") this.#failures = 0
      if (ending === "ended") this.delivery.held.take()
      if (ending === "failed" && ++this.#failures >= maxFailures) yield* this.#stepOver(range)
      return ending
    })
  }

  /**
   * Whether a response that ended without an error ended at the end of the log. The engine may lose the error that ended it.
   * A live stream would show that there is more.
   */
  #isAtEnd({ follow, observer, until }: ReadRange): Effect.Effect<boolean, ReadError> {
    const isTrusted = observer !== undefined && !this.#mute.isSuspect && this.#failures === 0
    if (follow === true || isTrusted || this.#isOlderEngine === true || this.tracker.anchor === undefined)
      return Effect.succeed(true)
    return Effect.map(
      this.scanner.lastRecords(1),
      ({ firstTimestamp, identities: [last] }) =>
        last === undefined ||
        this.tracker.has(last) ||
        (until !== undefined && Number(toEngineTime(firstTimestamp)) > Number(until))
    )
  }

  #resume(range: ReadRange): Effect.Effect<Ending, ReadError> {
    return Effect.gen(this, function* () {
      const anchor = this.tracker.anchor
      if (anchor === undefined) return yield* this.#readFirst(range)
      const slack = (yield* this.#needsSlack) ? olderEngineSlackMillis : 0
      const since = toEngineTime(anchor, -slack)
      if (slack === 0) {
        for (const tail of this.#tails(range)) {
          // With a live stream at hand, the end of the log is more urgent than an anchor that is out of order.
          const isLast = tail === undefined && range.observer !== undefined && this.tracker.isAnchorUnique
          const ending = yield* this.#request({ tail, since }, isLast ? "gap" : "anchor", range)
          if (ending !== "refused") return ending
        }
      }
      const exists = yield* this.scanner.anchorExists(anchor, since)
      return yield* this.#request({ since }, exists ? "skip" : "gap", range)
    })
  }

  /** How many of the last records to ask for, in turn, until the anchor is among them. */
  #tails({ expected = 1000, observer }: ReadRange): ReadonlyArray<number | undefined> {
    // Among the last records there may be another piece of a long line that equals an anchor which is one.
    if (!this.tracker.isAnchorUnique) return [undefined]
    const more = observer === undefined ? tails : [Math.max(1000, 10 * expected), undefined]
    const all = [expected, ...more.filter((tail) => tail === undefined || tail > expected)]
    if (this.#readable === undefined) return all
    const readable = this.#readable.records + this.tracker.count - this.#readable.count
    return [...all.filter((tail) => tail !== undefined && tail < readable), readable, undefined]
  }

  /** Whether the log has a record that has not been delivered, and is not to be left out. */
  get #hasNews(): Effect.Effect<boolean, ReadError> {
    return Effect.map(this.scanner.lastRecords(1), ({ identities: [last = noRecord] }) => {
      if (this.tracker.anchor !== undefined) return last === noRecord || !this.tracker.has(last)
      const before = this.#lastUndelivered
      this.#lastUndelivered = last
      return before !== undefined && before !== last
    })
  }

  /** Whether the engine's API is older than 1.43. */
  get #needsSlack(): Effect.Effect<boolean, DockerFailure> {
    return Effect.gen(this, function* () {
      this.#isOlderEngine ??= !(yield* hasApi(this.docker, 43))
      return this.#isOlderEngine
    })
  }

  /** Reads as long as nothing has been delivered: from where the caller asked. */
  #readFirst(range: ReadRange): Effect.Effect<Ending, ReadError> {
    return Effect.gen(this, function* () {
      const { since, tail } = this.start
      if (!this.#isBeyondStart && tail === 0) {
        yield* this.scanner.skipToEnd
        this.#isBeyondStart = true
        if (this.tracker.anchor !== undefined) return yield* this.#resume(range)
      }
      // `tail` counts only in the first request: after a lost connection it would leave out what was written since then.
      const openedAt = this.#openedAt
      const query =
        this.#isBeyondStart || tail === undefined
          ? { since }
          : openedAt === undefined
            ? { tail, since }
            : { since: yield* this.scanner.sinceOfTail(tail, since, openedAt) }
      const ending = yield* this.#request(query, "anchor", range)
      this.#isBeyondStart ||= ending === "ended"
      return ending
    })
  }

  /** Sends one request for the log and delivers the response. */
  #request(
    query: Pick<LogQuery, "tail" | "since">,
    expectation: Expectation,
    range: ReadRange
  ): Effect.Effect<Ending, ReadError> {
    const { flush = false, follow = false, until } = range
    const isWhole = range.isWhole ?? until === undefined
    return Effect.gen(this, function* () {
      this.tracker.begin(expectation)
      const { body, headers } = yield* this.open({ ...query, until, follow })
      this.#openedAt ??= dateTimestamp(headers) ?? (yield* currentTimestamp)
      if (follow && (yield* this.isLaterRun)) return "late"
      const isWholeLog = query.tail === undefined && query.since === undefined
      const response = this.delivery.response(expectation, { ...range, isWholeLog })
      const { decoder, errors } = response
      const deliver = Effect.suspend(() =>
        errors.length === 0 || range.isQuiet === true
          ? this.output.flush
          : Effect.forEach(errors.splice(0), (error) => this.output.engineError(error, decoder.undelivered()), {
              discard: true
            }).pipe(Effect.zipRight(this.output.flush))
      )
      const isRefused = () => this.tracker.refused || response.isRefused
      yield* body.pipe(
        Stream.mapEffect((chunk) => decodeChunk(this.docker, this.tracker.containerId, decoder, chunk)),
        Stream.takeUntil(() => isRefused() || response.isBehind || response.isMalformed),
        Stream.runForEach(() => (follow ? this.#mute.during(deliver) : deliver)),
        Effect.ensuring(Effect.sync(() => this.tracker.end(decoder.undelivered())))
      )
      // A response without any record does not begin with the anchor either.
      const isEmpty = expectation === "anchor" && isWhole && this.tracker.isAwaitingBeginning
      if (isRefused() || (isEmpty && !response.hasFailed)) {
        if (isWholeLog) this.delivery.room.forget()
        return "refused"
      }
      if (response.isBehind) return "behind"
      if (response.hasFailed) return "failed"
      if (flush) {
        yield* decodeRest(this.docker, this.tracker.containerId, decoder)
        this.delivery.completeLine()
        yield* this.output.flush
      }
      return "ended"
    }).pipe(Effect.scoped)
  }

  /** Opens the log, both streams. */
  open(query: Omit<LogQuery, "streams">) {
    return openLog(this.docker, this.tracker.containerId, { ...query, streams: undefined })
  }

  /** Whether the container was started again between the caller's inspect and the opening of the log. */
  get isLaterRun(): Effect.Effect<boolean> {
    return Effect.map(
      Effect.either(inspectSubject(this.docker, this.tracker.containerId)),
      (inspected) => Either.isRight(inspected) && inspected.right.startedAt !== this.tracker.run?.startedAt
    )
  }

  /** Delivers what follows on the part of the log that can't be read. */
  #stepOver(range: ReadRange): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      const { count } = this.tracker
      const anchor = this.tracker.anchorIdentity
      const end = yield* findReadable(
        (tail) => this.scanner.lastRecords(tail),
        (identities) => anchor !== undefined && identities.includes(anchor)
      )
      if (end.isReached) this.#readable = { records: end.records, count }
      if (end.records === 0 || end.isReached) return
      const from = this.tracker.anchor === undefined ? this.start.since : toEngineTime(this.tracker.anchor)
      yield* readInFront(
        from ?? "0.0",
        toEngineTime(end.firstTimestamp),
        (until) =>
          Effect.map(this.#resume({ ...range, until, isWhole: true, isQuiet: true }), (ending) => ending === "ended"),
        Effect.suspend(() => {
          const before = this.tracker.count
          return Effect.map(this.#resume({ ...range, isQuiet: true }), () => this.tracker.count > before)
        })
      )
      if (end.copies === undefined) return yield* this.delivery.afterUnreadable(this.#readEnd(end, range))
      // Read again, the log would have grown, and its last records would be other ones.
      const { until } = range
      const copies =
        until === undefined
          ? end.copies
          : end.copies.filter(({ timestamp }) => Number(toEngineTime(timestamp)) <= Number(until))
      yield* this.delivery.afterUnreadable(Effect.sync(() => this.delivery.deliverAfterGap(copies)))
      this.#readable = { records: copies.length, count: this.tracker.count }
      yield* this.output.flush
    })
  }

  /** Delivers the end of a log that is too large to be copied. */
  #readEnd(end: ReadableEnd, range: ReadRange): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      let ending: Ending = "refused"
      for (let attempt = 1; attempt <= maxSteps && ending === "refused"; attempt++) {
        // What was written since then counts among the last records too.
        const { identities } = yield* this.scanner.lastRecords(end.records)
        const added = end.last === undefined ? 0 : identities.length - 1 - identities.lastIndexOf(end.last)
        const first = attempt < maxSteps && end.first !== undefined ? { first: end.first } : {}
        ending = yield* this.#request({ tail: end.records + added }, "gap", { ...range, ...first })
        this.#readable = { records: end.records + added, count: this.tracker.count }
      }
    })
  }
}
