import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { DockerStream } from "../../../Docker.js"
import type { LogStream } from "../../../LogEvent.js"
import type { LogDecoder } from "../../logs/logDecoder.js"
import { FileRoom } from "./fileRoom.js"
import { LiveVerifier } from "../../logs/liveVerifier.js"
import type { LogFiles } from "../../logs/logRotation.js"
import { recordIdentity } from "../../logs/recordIdentity.js"
import { decodeChunk } from "../../logs/runBoundary.js"
import type { ReadObserver } from "./logDelivery.js"
import type { ReadError } from "./logScanner.js"
import type { ResumingReader } from "./resumingReader.js"
import { RoomSurvey } from "./roomSurvey.js"

const pauseMillis = { shortest: 100, longest: 500 }

/**
 * Where many lines come, fewer reads with more lines each cost less, and nobody sees the delay in what runs by. But the engine
 * replaces smaller files too fast for that.
 */
const manyLines = { millisEach: 3, longest: 300, fileBytes: 1_000_000 }

/** A read of the log. */
interface LogRead {
  readonly millis: number
  /** The records that were new. */
  readonly records: number
  /** How many reads in a row have failed. */
  readonly failures: number
  /** See `rotationSize`. */
  readonly fileBytes: number
}

/**
 * How long to wait after a read of the log before the next one, in milliseconds: five times as long as it took, so that reading
 * takes a small part of the time, and there are at most ten reads a second. A log that can't be read is read less and less often.
 */
export const pauseAfterRead = ({ failures, fileBytes, millis, records }: LogRead): number => {
  const forLines = fileBytes < manyLines.fileBytes ? 0 : Math.min(manyLines.longest, records * manyLines.millisEach)
  return Math.min(pauseMillis.longest, Math.max(5 * millis, forLines, pauseMillis.shortest * 2 ** failures))
}

/** How long the live stream must be silent before its last lines are verified. */
const quietMillis = 200

/** How long the live stream has to announce what a read of the log has found. */
const graceMillis = 1000

/** How often a silent log is read: more often while the live stream does not announce what is written to the log. */
const probeMillis = { shortest: 1000, longest: 10_000 }

/** The checks that are not tried at most after others that failed: two to the power of this. */
const maxUnconfirmed = 5

/** Records that arrive between the live stream's last one and a read of the log. */
const expectedMore = 16

/** One live stream of a log, and the reads that complete it. */
class VerifiedStream {
  readonly #verifier: LiveVerifier
  readonly #live: LogDecoder
  readonly #observer: ReadObserver
  #isMalformed = false
  /** Whether the live stream may send what has been delivered. */
  #isBehind = false
  /** Closed while too much is held. */
  readonly #hasRoom = Effect.unsafeMakeLatch(true)
  /** Whether the engine no longer has the container. */
  #isGone = false
  /** How often in a row what was held could not be confirmed, and how many checks to leave that out. */
  #unconfirmed = 0
  #leftOut = 0

  constructor(
    readonly follow: VerifiedFollow,
    readonly fileBytes: number,
    readonly lock: Effect.Semaphore,
    /** Offered to when the log is to be read. */
    readonly signal: Queue.Queue<void>,
    readonly survey: RoomSurvey
  ) {
    const { reader } = follow
    this.#verifier = new LiveVerifier(fileBytes, reader.delivery.room)
    this.#live = reader.delivery.decoder(true, {
      judge: (stream, timestamp, bytes, start, end) => {
        const identity = recordIdentity(stream, bytes, start, end)
        const verdict = this.#verifier.judge(stream, timestamp, identity)
        if (verdict === "hold") {
          const { isContiguous } = this.#verifier
          reader.delivery.held.add({ stream, timestamp, identity, isContiguous }, bytes, start, end)
        }
        return verdict === "deliver" && !this.#isDelivered(stream, timestamp, identity)
      },
      // The reads report an error that lasts.
      engineError: () => {},
      malformed: () => {
        this.#isMalformed = true
      }
    })
    const verifier = this.#verifier
    this.#observer = {
      live: this.#live,
      beginRead: () => verifier.beginRead(),
      read: (stream, timestamp, identity) => verifier.read(stream, timestamp, identity)
    }
  }

  #isDelivered(stream: LogStream, timestamp: string, identity: number): boolean {
    if (!this.#isBehind) return false
    const { tracker } = this.follow.reader
    const latest = tracker.latestOf(stream)
    // All pieces of a line have the same timestamp.
    return timestamp < latest || (timestamp === latest && !this.#live.isOpen && tracker.has(identity))
  }

  /** Delivers what of the live stream can be delivered. Ends with it. */
  pump(body: DockerStream["body"]): Effect.Effect<void, ReadError> {
    return body.pipe(
      Stream.takeUntil(() => this.#isMalformed),
      Stream.runForEach((chunk) =>
        this.lock
          .withPermits(1)(
            Effect.flatMap(
              decodeChunk(this.follow.reader.docker, this.follow.reader.tracker.containerId, this.#live, chunk),
              () => {
                if (this.#verifier.isReadNeeded) Queue.unsafeOffer(this.signal, undefined)
                if (this.follow.reader.delivery.held.isFull && !this.#isGone) this.#hasRoom.unsafeClose()
                return this.follow.reader.output.flush
              }
            )
          )
          .pipe(Effect.zipRight(this.#hasRoom.await))
      )
    )
  }

  /** Reads the log when that is needed. Ends when the live stream is found to be mute. */
  get supervise(): Effect.Effect<void, ReadError> {
    return Effect.suspend(() => {
      const verifier = this.#verifier
      const { tracker } = this.follow.reader
      /** What the live stream had sent when a read found more. */
      let unannouncedAt = -1
      const step = Effect.gen(this, function* () {
        const { isUnverified, seen } = verifier
        const patience = unannouncedAt === seen ? graceMillis : isUnverified ? quietMillis : this.follow.probeMillis
        if (!verifier.isReadNeeded) {
          const signalled = yield* Effect.timeoutOption(Queue.take(this.signal), patience)
          // It may be of what has been read since.
          if (!verifier.isReadNeeded && (Option.isSome(signalled) || verifier.seen !== seen)) return false
        }
        if (!verifier.isReadNeeded && unannouncedAt === seen) return true
        yield* this.follow.pause
        if (verifier.isReadNeeded) {
          yield* this.#check
          return false
        }
        const { count } = tracker
        yield* this.read
        const isNews = tracker.count > count
        unannouncedAt = isNews && verifier.seen === seen ? seen : -1
        if (!isUnverified) this.follow.noteProbe(isNews)
        return false
      })
      return Effect.repeat(step, { until: (isMute) => isMute }).pipe(
        Effect.asVoid,
        // What the live stream still sends is held.
        Effect.catchIf(isGone, () =>
          Effect.suspend(() => {
            this.#isGone = true
            this.#hasRoom.unsafeOpen()
            return Effect.never
          })
        )
      )
    })
  }

  /** Reads what the live stream has left out or has not sent yet. */
  get read(): Effect.Effect<void, ReadError> {
    return this.#noting(this.#catchUp)
  }

  /** Delivers what is held if it can be confirmed that nothing is missing in front of it, or else reads the log. */
  get #check(): Effect.Effect<void, ReadError> {
    return this.#noting(
      Effect.flatMap(this.#isConfirmed, (isConfirmed) =>
        isConfirmed
          ? Effect.suspend(() => {
              this.#verifier.confirm(this.follow.reader.delivery.deliverHeld(this.#live))
              return this.follow.reader.output.flush
            })
          : this.#catchUp
      )
    )
  }

  /**
   * Whether nothing is missing in front of what is held: the log has no more records after the last delivered one. Where lines
   * come fast, it usually has: those that the live stream is about to send.
   */
  get #isConfirmed(): Effect.Effect<boolean, ReadError> {
    return Effect.suspend(() => {
      const { delivery, failures, scanner, tracker } = this.follow.reader
      const held = delivery.held.countAfter({ stdout: this.#latestOf("stdout"), stderr: this.#latestOf("stderr") })
      const isWithinLine = delivery.isWithinLine || this.#live.isOpen
      if (held === undefined || isWithinLine || !tracker.isAnchorLast || this.#isBehind || failures > 0) {
        return Effect.succeed(false)
      }
      if (this.#leftOut > 0) {
        this.#leftOut--
        return Effect.succeed(false)
      }
      return Effect.map(scanner.hasAtMostAfterAnchor(held), (isConfirmed) => {
        this.#unconfirmed = isConfirmed ? 0 : Math.min(maxUnconfirmed, this.#unconfirmed + 1)
        this.#leftOut = isConfirmed ? 0 : 2 ** (this.#unconfirmed - 1) - 1
        return isConfirmed
      })
    })
  }

  #latestOf(stream: LogStream): string {
    const [read, delivered] = [this.#verifier.latestOf(stream), this.follow.reader.tracker.latestOf(stream)]
    return read > delivered ? read : delivered
  }

  get #catchUp(): Effect.Effect<void, ReadError> {
    return Effect.suspend(() => {
      const { reader } = this.follow
      const verifier = this.#verifier
      reader.delivery.interrupt(this.#live)
      const expected = verifier.seen === 0 ? {} : { expected: verifier.seenSinceRead + expectedMore }
      return Effect.map(reader.catchUp({ ...expected, observer: this.#observer }), (ending) => {
        this.#isBehind = ending === "behind"
        if (this.#isBehind) verifier.continueLive()
        else verifier.endRead(ending === "ended", reader.delivery.isWithinLine)
        if (this.#isBehind || (ending === "ended" && !reader.delivery.isWithinLine)) {
          reader.delivery.continueWith(this.#live)
        }
      })
    })
  }

  /** Does that while the live stream waits, and notes how long it took. */
  #noting(check: Effect.Effect<void, ReadError>): Effect.Effect<void, ReadError> {
    return this.lock.withPermits(1)(
      Effect.gen(this, function* () {
        const { reader } = this.follow
        const began = yield* Clock.currentTimeMillis
        const { count } = reader.tracker
        yield* check
        this.#hasRoom.unsafeOpen()
        this.survey.noteRead()
        const ended = yield* Clock.currentTimeMillis
        this.follow.noteRead(ended, {
          millis: ended - began,
          records: reader.tracker.count - count,
          failures: reader.failures,
          fileBytes: this.fileBytes
        })
      })
    )
  }

  /** Reads the rest after the live stream has ended. */
  get finish(): Effect.Effect<void, ReadError> {
    return Effect.suspend(() =>
      !this.#isGone && (this.#verifier.isReadNeeded || this.#verifier.isUnverified)
        ? Effect.catchIf(this.read, isGone, () => Effect.void)
        : Effect.void
    )
  }
}

/** Whether the container has been removed, or is about to be. */
const isGone = (error: ReadError): boolean =>
  error._tag === "ContainerNotFound" ||
  (error._tag === "EngineError" && /dead or marked for removal/.test(error.detail))

/**
 * Follows a log whose live stream may leave records out (see `LiveVerifier`). The live stream shows that there is something
 * new, and is delivered where it is known to be complete. Everything else is read from the log.
 */
export class VerifiedFollow {
  #nextReadAt = 0
  #probeMillis = probeMillis.longest

  constructor(readonly reader: ResumingReader) {}

  /** How long the live stream may be silent before the log is read. */
  get probeMillis(): number {
    return this.#probeMillis
  }

  /** Notes whether a read of a silent log found something. */
  noteProbe(isNews: boolean): void {
    this.#probeMillis = isNews ? probeMillis.shortest : Math.min(probeMillis.longest, 2 * this.#probeMillis)
  }

  /** Notes a read, and when it ended. */
  noteRead(ended: number, read: LogRead): void {
    this.#nextReadAt = ended + pauseAfterRead(read)
  }

  /** How full the log's newest file is. What was found out of the engine's files holds for later runs. */
  #roomOf(files: LogFiles | undefined): FileRoom {
    const { delivery } = this.reader
    if (delivery.room.files?.size !== files?.size) delivery.room = new FileRoom(files)
    return delivery.room
  }

  /** Waits until the log may be read again. */
  readonly pause: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    now < this.#nextReadAt ? Effect.sleep(this.#nextReadAt - now) : Effect.void
  )

  /**
   * Follows the log until the live stream ends or is found to be mute.
   *
   * @param fileBytes see `rotationSize`
   * @param files see `logFiles`
   */
  run(fileBytes: number, files: LogFiles | undefined): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      const { reader } = this
      const room = this.#roomOf(files)
      room.forget()
      const since = reader.tracker.anchor === undefined ? reader.start.since : undefined
      const { body } = yield* reader.open({ follow: true, tail: 0, since })
      if (yield* reader.isLaterRun) return
      const lock = yield* Effect.makeSemaphore(1)
      const survey = new RoomSurvey(reader.scanner, room, yield* Queue.sliding<void>(1))
      const stream = new VerifiedStream(this, fileBytes, lock, yield* Queue.sliding<void>(1), survey)
      yield* Effect.forkScoped(survey.run)
      yield* this.pause
      yield* stream.read
      yield* Effect.raceFirst(stream.pump(body), stream.supervise)
      yield* stream.finish
    }).pipe(Effect.scoped)
  }
}
