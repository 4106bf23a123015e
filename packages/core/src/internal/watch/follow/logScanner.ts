import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { LogStream } from "../../../LogEvent.js"
import type { ContainerNotFound, DockerFailure, LogsUnreadable } from "../../../DockerError.js"
import { millisTimestamp, timestampMillis, toEngineTime } from "../../api/engineTime.js"
import type { DeliveryTracker } from "../../logs/deliveryTracker.js"
import { FileRoom } from "./fileRoom.js"
import { FrameSplitter } from "../../logs/frameSplitter.js"
import { LogDecoder, type LogHandler } from "../../logs/logDecoder.js"
import { type LogQuery, openLog, readRecords } from "../../logs/logRequest.js"
import type { LogFiles } from "../../logs/logRotation.js"
import { identityLength, identityStream, recordIdentity } from "../../logs/recordIdentity.js"
import { decodeChunk, decodeRest } from "../../logs/runBoundary.js"

import type { LogRecord } from "./heldRecords.js"

/** What can end an attempt to read a log. */
export type ReadError = ContainerNotFound | LogsUnreadable | DockerFailure

type RecordHandler = NonNullable<LogHandler["record"]>

/** The last records of a log, by their identities. */
export interface LastRecords {
  readonly identities: ReadonlyArray<number>
  /** The timestamp of the first one; empty if there is none. */
  readonly firstTimestamp: string
  /** Copies of them; `undefined` if they are too large. */
  readonly copies: ReadonlyArray<LogRecord> | undefined
  /** Whether the engine sent an error. */
  readonly hasFailed: boolean
}

/** How far past the anchor's timestamp to search for it. Records close to each other have similar timestamps. */
const searchMillis = 10_000

/** The most bytes of records to copy. */
const maxCopiedBytes = 4 * 1024 * 1024

/** Whether a response, as far as it is UTF-8, consists of the record with this identity. */
const isOnlyRecord = (bytes: Buffer, identity: number, tty: boolean): boolean => {
  const length = identityLength(identity)
  // A header ends with the lowest byte of the length. If that is not ASCII, a character of three bytes has replaced it.
  const header = tty ? 0 : FrameSplitter.headerSize + (length % 256 < 0x80 ? 0 : 2)
  return (
    bytes.length === header + length &&
    recordIdentity(identityStream(identity), bytes, header, bytes.length) === identity
  )
}

/** Looks at a container's log without delivering any of it. */
export class LogScanner {
  constructor(
    readonly docker: DockerShape,
    readonly tracker: DeliveryTracker,
    /** Whether the container has a TTY. */
    readonly tty: boolean
  ) {}

  /** Whether the engine still has the anchor. */
  anchorExists(anchor: string, since: string): Effect.Effect<boolean, ReadError> {
    return Effect.suspend(() => {
      const limit = millisTimestamp(timestampMillis(anchor) + searchMillis)
      let isFound = false
      let isBeyond = false
      const record: RecordHandler = (stream, timestamp, bytes, start, end) => {
        isFound ||= this.tracker.isAnchor(stream, bytes, start, end)
        isBeyond ||= timestamp > limit
        return -1
      }
      return Effect.map(
        this.#scan({ since }, record, () => isFound || isBeyond),
        () => isFound
      )
    })
  }

  /** The time of the first of the last `tail` records, or when the log was first opened if that is earlier. */
  sinceOfTail(tail: number, since: string | undefined, openedAt: string) {
    return Effect.suspend(() => {
      let from = openedAt
      let isFound = false
      const record: RecordHandler = (_stream, timestamp) => {
        if (!isFound && timestamp < from) from = timestamp
        isFound = true
        return -1
      }
      return Effect.map(
        this.#scan({ tail }, record, () => isFound),
        () => {
          const found = toEngineTime(from)
          return since !== undefined && Number(since) > Number(found) ? since : found
        }
      )
    })
  }

  /**
   * Whether the log has no more than so many records after the anchor. Costs little, however many they are: the engine goes
   * back over them, and sends the anchor alone, if it finds it. An answer that is not plain is no.
   */
  hasAtMostAfterAnchor(records: number): Effect.Effect<boolean, ReadError> {
    return Effect.suspend(() => {
      const { anchor, anchorIdentity, containerId } = this.tracker
      if (anchor === undefined || anchorIdentity === undefined) return Effect.succeed(false)
      const time = toEngineTime(anchor)
      return Effect.map(
        readRecords(this.docker, containerId, { tail: records + 1, since: time, until: time }),
        (bytes) => isOnlyRecord(bytes, anchorIdentity, this.tty)
      )
    })
  }

  /** Counts the last record as delivered, so that reading begins after it. */
  get skipToEnd(): Effect.Effect<void, ReadError> {
    const record: RecordHandler = (stream, timestamp, bytes, start, end) =>
      this.tracker.record(stream, timestamp, bytes, start, end, false)
    return Effect.map(
      this.#scan({ tail: 1 }, record, () => false),
      ({ decoder }) => decoder.end()
    )
  }

  /** The last `tail` records, or fewer if the log has fewer or can't be read. */
  lastRecords(tail: number): Effect.Effect<LastRecords, ReadError> {
    return Effect.suspend(() => {
      const identities: Array<number> = []
      const copies: Array<LogRecord> = []
      let copiedBytes = 0
      let firstTimestamp = ""
      const record: RecordHandler = (stream, timestamp, bytes, start, end) => {
        if (identities.length === 0) firstTimestamp = timestamp
        copiedBytes += end - start
        if (copiedBytes > maxCopiedBytes) copies.length = 0
        else
          copies.push({ stream, timestamp, bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start })
        identities.push(recordIdentity(stream, bytes, start, end))
        return -1
      }
      return Effect.map(
        this.#scan({ tail }, record, () => false),
        ({ decoder, hasFailed }) => {
          decoder.end()
          return {
            identities,
            firstTimestamp,
            copies: copiedBytes > maxCopiedBytes ? undefined : copies,
            hasFailed: hasFailed()
          }
        }
      )
    })
  }

  /**
   * How full the log's newest file was after the record with this identity; `undefined` if the log has no such record among
   * its first `maxBytes`.
   */
  roomAfter(last: number, files: LogFiles, maxBytes: number): Effect.Effect<FileRoom | undefined, ReadError> {
    return Effect.suspend(() => {
      const room = new FileRoom(files)
      room.begin()
      let bytes = 0
      let isFound = false
      const record: RecordHandler = (stream, _timestamp, buffer, start, end) => {
        if (isFound) return -1
        bytes += end - start
        room.add(stream, buffer, start, end)
        isFound = recordIdentity(stream, buffer, start, end) === last
        return -1
      }
      return Effect.map(
        this.#scan({}, record, () => isFound || bytes > maxBytes),
        ({ hasFailed }) => (isFound && !hasFailed() ? room : undefined)
      )
    })
  }

  /** The log's first record; `undefined` if it has none or can't be read. */
  get firstRecord() {
    return Effect.suspend(() => {
      let first: { readonly stream: LogStream; readonly timestamp: string; readonly identity: number } | undefined
      const record: RecordHandler = (stream, timestamp, bytes, start, end) => {
        first ??= { stream, timestamp, identity: recordIdentity(stream, bytes, start, end) }
        return -1
      }
      return Effect.map(
        this.#scan({}, record, () => first !== undefined),
        () => first
      )
    })
  }

  /** Passes the records that the log has now to `record`, until `isDone`. */
  #scan(query: Pick<LogQuery, "tail" | "since">, record: RecordHandler, isDone: () => boolean) {
    return Effect.gen(this, function* () {
      const { body } = yield* openLog(this.docker, this.tracker.containerId, {
        ...query,
        follow: false,
        streams: undefined
      })
      let failed = false
      const engineError = () => {
        failed = true
      }
      const decoder = new LogDecoder(this.tty, false, { line: () => {}, malformed: () => {}, engineError, record })
      yield* body.pipe(
        Stream.mapEffect((chunk) => decodeChunk(this.docker, this.tracker.containerId, decoder, chunk)),
        Stream.takeUntil(isDone),
        Stream.runDrain
      )
      if (!isDone()) yield* decodeRest(this.docker, this.tracker.containerId, decoder)
      return { decoder, hasFailed: () => failed }
    }).pipe(Effect.scoped)
  }
}
