import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import { type DockerFailure, InvalidRequest, type LogsUnreadable } from "../../DockerError.js"
import type { LogLine, LogMark, LogStream } from "../../LogEvent.js"
import { LogPosition, type LogRun } from "../../LogPosition.js"
import { hasApi } from "../api/apiVersion.js"
import { LogDecoder, type LogHandler } from "../logs/logDecoder.js"
import { inspectSubject, type LogQuery, type LogsError, type LogSubject, openLog } from "../logs/logRequest.js"
import { engineTime, engineTimeOf, type LogTime, nanosTimestamp, timestampMillis } from "../api/engineTime.js"
import { DeliveryTracker, type Expectation } from "../logs/deliveryTracker.js"
import { type EngineEvent, engineEvents } from "./engineEvents.js"

/** Where a follow begins. */
export interface FollowOptions {
  /** The last lines first, counted as in `ReadOptions`; 0 for none. All that there are when not given. */
  readonly tail?: number
  /** From this moment on, to the nanosecond. */
  readonly since?: LogTime
  /** Both when not given. */
  readonly streams?: ReadonlyArray<LogStream>
  /** All that came after this point of an earlier follow, also one of another process; `tail` and `since` don't count then. */
  readonly position?: LogPosition | string
}

/** An element together with the point right behind it. */
export type Positioned<A> = A & { readonly position: LogPosition }

/** What a follow gives. */
export type FollowElement = Positioned<LogLine> | Positioned<LogMark>

/** What is done with a record. */
type RecordHandler = NonNullable<LogHandler["record"]>

/** How an attempt to read ended: by the engine, as it began with a record with which it must not, or as it is of a later run. */
type Ending = "ended" | "refused" | "late"

/** Another run of the container: how the one before ended, and when this one began. */
interface Transition {
  readonly stoppedAt: string | undefined
  readonly exitCode: number | undefined
  /** The engine tells of an end when it has read all that was written before: no line of that run bears a later time. */
  readonly lastWords: string | undefined
  readonly startedAt: string
}

const unknownEnd: Omit<Transition, "startedAt"> = { stoppedAt: undefined, exitCode: undefined, lastWords: undefined }

/** Finding `since` from the end of the log is a hundred times faster than from its beginning, so first this many records. */
const tails = [1000, 10_000, 100_000, undefined]

/** `since` of an engine before API 1.43 drops every record with an earlier timestamp, also those that come late. */
const olderEngineSlackMillis = 2000

/** Records before the anchor have timestamps near its own; so far behind it, it won't come any more. */
const searchMillis = 10_000

/** How long after the end of a process the engine may still be reading what it wrote last. */
const lastWordsMillis = 100

/** The engine tells of an end as soon as it has read what is left, for which it takes seconds at the most. */
const toldMillis = 15_000

/** The moment of an HTTP `Date`. */
const logTimestampOf = (date: string | undefined): string | undefined => {
  const millis = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isNaN(millis) ? undefined : nanosTimestamp(BigInt(millis) * 1_000_000n)
}

const neverStarted = "0001-01-01T00:00:00.000000000Z"

const parsedPosition = (options: FollowOptions) =>
  options.position === undefined
    ? Effect.succeed(undefined)
    : typeof options.position === "string"
      ? LogPosition.parse(options.position)
      : Effect.succeed(options.position)

const exitCodeOf = (event: EngineEvent): number | undefined => {
  const exitCode = event.attributes["exitCode"]
  return exitCode === undefined || !/^\d+$/.test(exitCode) ? undefined : Number(exitCode)
}

/** Follows a container's log for ever: the resume algorithm, and the marks between the lines. */
export const followLog = (
  docker: DockerShape,
  id: string,
  options: FollowOptions
): Stream.Stream<ReadonlyArray<FollowElement>, LogsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const position = yield* parsedPosition(options)
      const since =
        options.since === undefined || position !== undefined ? undefined : yield* engineTime("since", options.since)
      const first = yield* inspectSubject(docker, id)
      if (position !== undefined && position.containerId !== first.id) {
        return yield* new InvalidRequest({
          field: "position",
          value: position.toString(),
          detail: `it belongs to the container ${position.containerId}, not to ${first.id}`
        })
      }
      // Bounded: while the reader is busy nothing more is read from the engine, but for what the connection itself holds.
      const elements = yield* Mailbox.make<ReadonlyArray<FollowElement>, LogsError>({ capacity: 4 })
      const { tail: _, ...resumed } = options
      yield* follow(
        docker,
        position === undefined ? options : resumed,
        since,
        first,
        new DeliveryTracker(first.id, position),
        (batch) => elements.offer(batch)
      ).pipe(Mailbox.into(elements), Effect.forkScoped)
      return Mailbox.toStream(elements)
    })
  )

const follow = (
  docker: DockerShape,
  options: FollowOptions,
  since: string | undefined,
  first: LogSubject,
  track: DeliveryTracker,
  offer: (batch: ReadonlyArray<FollowElement>) => Effect.Effect<unknown>
): Effect.Effect<void, LogsUnreadable | DockerFailure> => {
  const containerId = track.containerId
  let batch: Array<FollowElement> = []
  let given = false
  let begun = first.startedAt === neverStarted
  let older: boolean | undefined
  let sameError = ""
  let changed = ""
  let current: LogDecoder | undefined
  let opened = false
  /** When the log was opened first, by the engine's clock. */
  let openedAt: string | undefined

  const give = Effect.suspend(() => {
    if (batch.length === 0) return Effect.void
    const elements = batch
    batch = []
    given = true
    return offer(elements)
  })
  const now = Effect.map(Clock.currentTimeMillis, (millis) => nanosTimestamp(BigInt(millis) * 1_000_000n))

  /** One request for the log, decoded into elements. `flush`: the run is over, and a line without an end will get none. */
  const read = (tty: boolean, query: Omit<LogQuery, "streams">, expectation: Expectation, flush: boolean) =>
    Effect.gen(function* () {
      track.begin(expectation)
      const { body, headers } = yield* openLog(docker, containerId, { ...query, streams: undefined })
      opened = true
      openedAt ??= logTimestampOf(headers?.["date"]) ?? (yield* now)
      if (query.follow) {
        // Behind the look at the container it may have been started again: then this goes on into the run after.
        const looked = yield* Effect.either(inspectSubject(docker, containerId))
        if (Either.isRight(looked) && looked.right.startedAt !== track.run?.startedAt) return "late" satisfies Ending
      }
      const decoder: LogDecoder = new LogDecoder(tty, query.follow, {
        record: (stream, timestamp, bytes, start, end) => {
          const token = track.record(stream, timestamp, bytes, start, end, decoder.isOpen)
          const gap = track.takeGap()
          if (gap !== undefined) {
            batch.push({
              _tag: "LogMark",
              mark: "gap",
              containerId,
              timestamp,
              ...gap,
              reason: "the engine no longer has the lines that followed the last one given",
              position: track.position([token])
            })
          }
          return token
        },
        line: (stream, timestamp, text, part) => {
          if (options.streams !== undefined && !options.streams.includes(stream)) return
          if (part !== undefined && !track.part(stream, timestamp, part)) return
          const position = track.position(decoder.undelivered())
          sameError = ""
          batch.push(
            part === undefined
              ? { _tag: "LogLine", containerId, stream, timestamp, text, position }
              : { _tag: "LogLine", containerId, stream, timestamp, text, part, position }
          )
        },
        engineError: (message) => errors.push(message),
        malformed: (detail) => {
          malformed = true
          errors.push(`what came is not a log: ${detail}`)
        }
      })
      let malformed = false
      current = decoder
      const errors: Array<string> = []
      const takeErrors = Effect.gen(function* () {
        const timestamp = yield* now
        for (const message of errors.splice(0)) {
          // One that comes at each attempt is said once.
          if (message === sameError) continue
          sameError = message
          const position = track.position(decoder.undelivered())
          batch.push({ _tag: "LogMark", mark: "engine_error", containerId, timestamp, message, position })
        }
      })
      yield* body.pipe(
        Stream.map((chunk) => decoder.push(chunk)),
        Stream.takeUntil(() => track.refused || malformed),
        Stream.runForEach(() => (errors.length === 0 ? give : Effect.zipRight(takeErrors, give))),
        Effect.ensuring(Effect.sync(() => track.end(decoder.undelivered())))
      )
      if (track.refused) return "refused" satisfies Ending
      if (flush) {
        decoder.end()
        track.end([])
        yield* give
      }
      return "ended" satisfies Ending
    }).pipe(Effect.scoped)

  /** Looks at the records of the log as it stands, until `isEnough` or its end. */
  const scan = (
    tty: boolean,
    query: Pick<LogQuery, "tail" | "since">,
    record: RecordHandler,
    isEnough: () => boolean
  ) =>
    Effect.gen(function* () {
      const { body } = yield* openLog(docker, containerId, { follow: false, streams: undefined, ...query })
      const decoder = new LogDecoder(tty, false, { record, line: () => {}, engineError: () => {}, malformed: () => {} })
      yield* body.pipe(
        Stream.map((chunk) => decoder.push(chunk)),
        Stream.takeUntil(isEnough),
        Stream.runDrain
      )
    }).pipe(Effect.scoped)

  /** Whether the engine still has the record that the track begins with. */
  const anchorExists = (tty: boolean, anchor: string, from: string) =>
    Effect.suspend(() => {
      const limit = nanosTimestamp(BigInt(timestampMillis(anchor) + searchMillis) * 1_000_000n)
      let found = false
      let beyond = false
      const record: RecordHandler = (stream, timestamp, bytes, start, end) => {
        found ||= track.isAnchor(stream, bytes, start, end)
        beyond ||= timestamp > limit
        return -1
      }
      const scanned = scan(tty, { since: from }, record, () => found || beyond)
      return Effect.map(scanned, () => found)
    })

  /** Whether the engine is of an API before 1.43; asked when first needed. */
  const isOlderEngine = Effect.gen(function* () {
    older ??= !(yield* hasApi(docker, 43))
    return older
  })

  /** All that has not been given yet, up to `until`; with `follow` until the engine ends it; with `flush` also a line that has no end. */
  const catchUp = (
    { tty }: LogSubject,
    { flush = false, follow = false, until }: { follow?: boolean; flush?: boolean; until?: string }
  ) =>
    Effect.gen(function* () {
      const anchor = track.anchor
      if (anchor === undefined) return yield* readFirst(tty, { follow, until }, flush)
      const slack = (yield* isOlderEngine) ? olderEngineSlackMillis : 0
      const from = engineTimeOf(anchor, -slack)
      if (slack === 0) {
        // The last records may begin with one of a long line that looks just like its first.
        for (const tail of track.isAnchorUnique ? tails : [undefined]) {
          const ending = yield* read(tty, { follow, tail, since: from, until }, "anchor", flush)
          if (ending !== "refused") return
        }
      }
      const exists = yield* anchorExists(tty, anchor, from)
      yield* read(tty, { follow, since: from, until }, exists ? "skip" : "gap", flush)
    })

  /** As long as nothing has come, what the caller asked for says where to begin. */
  const readFirst = (tty: boolean, query: Pick<LogQuery, "follow" | "until">, flush: boolean) =>
    Effect.gen(function* () {
      if (!begun && options.tail === 0) {
        yield* prime(tty)
        begun = true
        if (track.anchor !== undefined) return
      }
      const cutAt = begun || options.tail === undefined ? undefined : openedAt
      const from =
        cutAt === undefined || options.tail === undefined ? since : yield* tailAgain(tty, options.tail, cutAt)
      // A log that was empty then has nothing old in it now.
      const tail = begun || cutAt !== undefined ? undefined : options.tail
      const ending = yield* read(tty, { ...query, tail, since: from }, "anchor", flush)
      begun ||= ending === "ended"
    })

  /**
   * From where to ask where a connection was cut before its first line: asked for its tail again, the engine would leave out
   * what was written meanwhile but for the last lines. So from the first of those, and at the latest from when it was opened.
   */
  const tailAgain = (tty: boolean, tail: number, before: string) =>
    Effect.suspend(() => {
      let from = before
      let found = false
      const record: RecordHandler = (_stream, timestamp) => {
        if (!found && timestamp < from) from = timestamp
        found = true
        return -1
      }
      const scanned = scan(tty, { tail }, record, () => found)
      return Effect.map(scanned, () => {
        const asked = engineTimeOf(from)
        return since !== undefined && Number(since) > Number(asked) ? since : asked
      })
    })

  /** Takes the last record as given, so that what comes after it is what is new. */
  const prime = (tty: boolean) =>
    Effect.gen(function* () {
      const { body } = yield* openLog(docker, containerId, { follow: false, streams: undefined, tail: 1 })
      const decoder = new LogDecoder(tty, false, {
        record: (stream, timestamp, bytes, start, end) => track.record(stream, timestamp, bytes, start, end, false),
        line: () => {},
        engineError: () => {},
        malformed: () => {}
      })
      yield* Stream.runForEach(body, (chunk) => Effect.sync(() => decoder.push(chunk)))
      decoder.end()
    }).pipe(Effect.scoped)

  const stopped = (timestamp: string, exitCode: number | undefined) => {
    const position = track.position()
    batch.push(
      exitCode === undefined
        ? { _tag: "LogMark", mark: "stopped", containerId, timestamp, position }
        : { _tag: "LogMark", mark: "stopped", containerId, timestamp, exitCode, position }
    )
  }

  /** What the engine remembers since the run began, up to an event that must have come or comes at once. */
  const recall = (run: LogRun, actions: ReadonlyArray<string>, isLast: (event: EngineEvent) => boolean) =>
    engineEvents(docker, {
      since: run.startedAt === neverStarted ? "1" : engineTimeOf(run.startedAt),
      filters: { container: [containerId], event: actions }
    }).pipe(
      Stream.takeUntil(isLast),
      Stream.interruptAfter("1 second"),
      Stream.runCollect,
      Effect.map(Chunk.toReadonlyArray),
      // An engine that was restarted remembers nothing; then its present state is what there is to know.
      Effect.catchAll(() => Effect.succeed<ReadonlyArray<EngineEvent>>([]))
    )

  /** The runs since the given one, as far as the engine remembers; always the one that it is in now. */
  const transitions = (run: LogRun, subject: LogSubject) =>
    Effect.gen(function* () {
      const found: Array<Transition> = []
      let ended = unknownEnd
      const remembered = yield* recall(
        run,
        ["start", "die"],
        (event) => event.action === "start" && nanosTimestamp(event.timeNano) >= subject.startedAt
      )
      for (const event of remembered) {
        const timestamp = nanosTimestamp(event.timeNano)
        if (event.action === "die") {
          ended = { stoppedAt: timestamp, exitCode: exitCodeOf(event), lastWords: timestamp }
        } else if (ended.stoppedAt !== undefined || run.startedAt === neverStarted) {
          // The event comes a moment after what it tells of.
          const isPresent = timestamp >= subject.startedAt
          found.push({ ...ended, startedAt: isPresent ? subject.startedAt : timestamp })
          ended = unknownEnd
        }
      }
      if (found.at(-1)?.startedAt === subject.startedAt) return found
      const stoppedAt =
        subject.finishedAt > run.startedAt && subject.finishedAt < subject.startedAt ? subject.finishedAt : undefined
      return [...found, { ...ended, stoppedAt: ended.stoppedAt ?? stoppedAt, startedAt: subject.startedAt }]
    })

  /** Gives what is left of the run that was, and the marks up to the run that is. */
  const pass = ({ exitCode, lastWords, startedAt, stoppedAt }: Transition, subject: LogSubject, run: LogRun) =>
    Effect.gen(function* () {
      const started = timestampMillis(startedAt)
      if (!run.ended) {
        // Last lines bear times a little after the end, first ones a little before the engine's word for the start.
        const between =
          stoppedAt === undefined ? 5 : Math.max(1, Math.floor((started - timestampMillis(stoppedAt)) / 2))
        const until = lastWords === undefined ? engineTimeOf(startedAt, -between) : engineTimeOf(lastWords)
        yield* catchUp(subject, { until, flush: true })
        track.run = { ...run, ended: true }
        stopped(stoppedAt ?? startedAt, exitCode)
      }
      track.run = { startedAt, ended: false }
      const position = track.position()
      batch.push({ _tag: "LogMark", mark: "started", containerId, timestamp: startedAt, position })
      yield* give
    })

  /** When the engine told of the end of the run that is over; `undefined` where it no longer knows. */
  const toldOfEnd = ({ finishedAt }: LogSubject) =>
    engineEvents(docker, {
      since: engineTimeOf(finishedAt),
      until: engineTimeOf(finishedAt, toldMillis),
      filters: { container: [containerId], event: ["die"] }
    }).pipe(
      Stream.interruptAfter("1 second"),
      Stream.runHead,
      Effect.map((event) => (Option.isSome(event) ? nanosTimestamp(event.value.timeNano) : undefined)),
      Effect.catchAll(() => Effect.succeed(undefined))
    )

  /** Done when something may have happened to a container that doesn't run. */
  const change = (subject: LogSubject) => {
    const after = subject.finishedAt > subject.startedAt ? subject.finishedAt : subject.startedAt
    const from = changed > after ? changed : after
    return engineEvents(docker, {
      since: from === neverStarted ? "1" : engineTimeOf(from),
      filters: { container: [containerId], event: ["start", "destroy"] }
    }).pipe(
      Stream.take(1),
      Stream.runForEach((event) =>
        Effect.sync(() => {
          changed = nanosTimestamp(event.timeNano + 1n)
        })
      ),
      // Whatever ended the subscription, what comes of it is that the container is looked at again.
      Effect.ignore
    )
  }
  /** What there is to do about the container as it is now. Ends when that may have changed. */
  const attend = (subject: LogSubject) =>
    Effect.gen(function* () {
      track.run ??= { startedAt: subject.startedAt, ended: subject.startedAt === neverStarted }
      if (track.run.startedAt !== subject.startedAt) {
        for (const transition of yield* transitions(track.run, subject)) yield* pass(transition, subject, track.run)
      }
      if (subject.running) return yield* catchUp(subject, { follow: true })
      if (!track.run.ended) {
        // It may be started again while this is read; what that run writes has its place behind the marks.
        const lastWords = yield* toldOfEnd(subject)
        if (lastWords === undefined) {
          yield* catchUp(subject, { until: engineTimeOf(subject.finishedAt, lastWordsMillis) })
          if ((yield* inspectSubject(docker, containerId)).startedAt !== subject.startedAt) return
          yield* catchUp(subject, { flush: true })
        } else yield* catchUp(subject, { until: engineTimeOf(lastWords), flush: true })
        track.run = { ...track.run, ended: true }
        stopped(subject.finishedAt, subject.exitCode)
        yield* give
      }
      yield* change(subject)
    })

  /** The last words and marks of a container that is gone. */
  const part = Effect.gen(function* () {
    const run = track.run ?? { startedAt: neverStarted, ended: true }
    current?.end()
    track.end([])
    const remembered = yield* recall(run, ["die", "destroy"], (event) => event.action === "destroy")
    const died = remembered.findLast((event) => event.action === "die")
    if (died !== undefined && !run.ended) stopped(nanosTimestamp(died.timeNano), exitCodeOf(died))
    track.run = { ...run, ended: true }
    const destroyed = remembered.find((event) => event.action === "destroy")
    const timestamp = destroyed === undefined ? yield* now : nanosTimestamp(destroyed.timeNano)
    batch.push({ _tag: "LogMark", mark: "removed", containerId, timestamp, position: track.position() })
    yield* give
  })

  const engineFails = (message: string) =>
    Effect.gen(function* () {
      if (message === sameError) return
      sameError = message
      const position = track.position()
      batch.push({ _tag: "LogMark", mark: "engine_error", containerId, timestamp: yield* now, message, position })
      yield* give
    })

  return Effect.gen(function* () {
    let subject = first
    for (let fruitless = 0; ;) {
      given = false
      const failure = yield* attend(subject).pipe(
        Effect.as(undefined),
        Effect.catchTags({
          ContainerNotFound: () => Effect.succeed(undefined),
          EngineUnavailable: () => Effect.succeed(undefined),
          EngineError: (error) => Effect.succeed(error)
        })
      )
      // A container that is being removed is no failure: soon it is gone.
      if (failure !== undefined && !/dead or marked for removal/.test(failure.detail)) {
        // Where the log could never be opened, it is for the caller to know.
        if (!opened) return yield* failure
        yield* engineFails(failure.message)
      }
      fruitless = given ? 0 : fruitless + 1
      for (;;) {
        if (fruitless > 0) yield* Effect.sleep(Duration.millis(Math.min(1000, 10 * 2 ** fruitless)))
        const looked = yield* Effect.either(inspectSubject(docker, containerId))
        if (Either.isRight(looked)) {
          subject = looked.right
          break
        }
        if (looked.left._tag === "ContainerNotFound") return yield* part
        if (looked.left._tag === "EngineError") yield* engineFails(looked.left.message)
        fruitless++
      }
    }
  })
}
