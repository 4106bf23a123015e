import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { InvalidRequest } from "./DockerError.js"
import type { LogStream } from "./LogEvent.js"
import { logTimestamp } from "./internal/api/engineTime.js"
import { identityStream, mayBePiece } from "./internal/logs/recordIdentity.js"

/** Which run of a container a point lies in. */
export interface LogRun {
  /** The engine's `StartedAt`. */
  readonly startedAt: string
  /** Whether its `stopped` mark has been given. */
  readonly ended: boolean
}

/** Of a line that comes in parts, how many of them have been given. */
export interface GivenParts {
  readonly stream: LogStream
  readonly timestamp: string
  readonly count: number
}

/**
 * The records from one with a timestamp above all before it, in the order of the engine's file. Asked for all since that
 * timestamp, the engine begins with that very record, whatever timestamps come later.
 */
export interface RecordRing {
  readonly timestamps: ReadonlyArray<string>
  /** `recordIdentity` of each. */
  readonly identities: ReadonlyArray<number>
}

/**
 * Of a stream, the last of its records that have been given and that the ring leaves out. Within a stream what has been
 * given comes before what has not, so this one stands for all before it.
 */
export interface PassedRecord {
  readonly stream: LogStream
  readonly timestamp: string
  /** Its `recordIdentity`. */
  readonly identity: number
  /** The how manieth it is of its equals since the ring's first record. */
  readonly count: number
}

/** What a `LogPosition` holds. */
export interface LogPositionState {
  readonly containerId: string
  readonly run: LogRun | undefined
  readonly ring: RecordRing
  /** How many records of the ring lie before the point. */
  readonly length: number
  /** Those of them whose line is not complete at the point. */
  readonly undelivered: ReadonlyArray<number>
  readonly parts: ReadonlyArray<GivenParts>
  /** One for each stream of which the ring leaves records out. */
  readonly passed: ReadonlyArray<PassedRecord>
}

const Stream = Schema.Literal("stdout", "stderr")
const Timestamp = Schema.String.pipe(Schema.filter((text) => logTimestamp(text) === text))

const Encoded = Schema.parseJson(
  Schema.Tuple(
    Schema.Literal(1),
    Schema.String,
    Schema.NullOr(Schema.Tuple(Timestamp, Schema.Boolean)),
    Schema.Array(Schema.Tuple(Timestamp, Schema.Number)),
    Schema.Array(Schema.Number),
    Schema.Array(Schema.Tuple(Stream, Schema.String, Schema.Number)),
    Schema.optionalElement(Schema.Array(Schema.Tuple(Stream, Timestamp, Schema.Number, Schema.Number)))
  )
)
const encode = Schema.encodeSync(Encoded)
const decode = Schema.decodeUnknownEither(Encoded)

/** Records that a written position holds at the most, where it can do with fewer: resuming then takes one request more. */
const writtenRecords = 64

/** The point with its ring from `start` on, and of that only the first record and the last ones. */
const shortened = (
  { length, passed, ring, undelivered, ...rest }: LogPositionState,
  start: number
): LogPositionState => {
  const open = new Set(undelivered)
  const kept = length - start > 2 * writtenRecords ? length - writtenRecords : start + 1
  const left = new Map<LogStream, PassedRecord>()
  if (start === 0) for (const record of passed) left.set(record.stream, record)
  if (kept > start + 1) {
    const counts = new Map<number, number>(passed.map(({ count, identity }) => [identity, start === 0 ? count : 0]))
    for (let index = start; index < kept; index++) {
      const identity = ring.identities[index] ?? 0
      if (open.has(index)) continue
      const count = (counts.get(identity) ?? 0) + 1
      counts.set(identity, count)
      const stream = identityStream(identity)
      if (index > start) left.set(stream, { stream, timestamp: ring.timestamps[index] ?? "", identity, count })
    }
  }
  const indexes = Array.from({ length: length - kept }, (_, index) => kept + index)
  if (length > start) indexes.unshift(start)
  return {
    ...rest,
    ring: {
      timestamps: indexes.map((index) => ring.timestamps[index] ?? ""),
      identities: indexes.map((index) => ring.identities[index] ?? 0)
    },
    length: indexes.length,
    undelivered: indexes.flatMap((index, place) => (open.has(index) ? [place] : [])),
    passed: [...left.values()]
  }
}

/**
 * A point in a container's log: right behind an element of a follow. `toString` writes it as an opaque text of letters,
 * digits, `-` and `_`, of 16 KiB at the most, however long the lines are; `LogPosition.parse` reads that, in another process
 * too.
 */
export class LogPosition {
  constructor(readonly state: LogPositionState) {}

  /** The full id of the container. */
  get containerId(): string {
    return this.state.containerId
  }

  toString(): string {
    const { length, undelivered } = this.state
    const oldest = Math.min(length - 1, ...undelivered)
    // A ring that begins with a piece of a line is found again by reading the whole log.
    const isShort = length <= writtenRecords || mayBePiece(this.state.ring.identities[oldest] ?? 0)
    const start = isShort ? 0 : Math.max(0, oldest)
    const { containerId, parts, passed, ring, run, ...state } = shortened(this.state, start)
    const records = ring.timestamps.map((timestamp, index) => [timestamp, ring.identities[index] ?? 0] as const)
    const given = parts.map(({ count, stream, timestamp }) => [stream, timestamp, count] as const)
    const left = passed.map(({ count, identity, stream, timestamp }) => [stream, timestamp, identity, count] as const)
    const text = encode([
      1,
      containerId,
      run === undefined ? null : [run.startedAt, run.ended],
      records,
      state.undelivered,
      given,
      ...(left.length === 0 ? ([] as const) : ([left] as const))
    ])
    return Buffer.from(text).toString("base64url")
  }

  toJSON(): string {
    return this.toString()
  }

  /** Reads what `toString` wrote. */
  static parse(text: string): Either.Either<LogPosition, InvalidRequest> {
    return Either.mapBoth(decode(Buffer.from(text, "base64url").toString("utf8")), {
      onLeft: () => new InvalidRequest({ field: "position", value: text, detail: "give one that a follow gave" }),
      onRight: ([, containerId, run, records, undelivered, parts, passed = []]) =>
        new LogPosition({
          containerId,
          run: run === null ? undefined : { startedAt: run[0], ended: run[1] },
          ring: {
            timestamps: records.map(([timestamp]) => timestamp),
            identities: records.map(([, identity]) => identity)
          },
          length: records.length,
          undelivered: undelivered.filter((index) => index >= 0 && index < records.length),
          parts: parts.map(([stream, timestamp, count]) => ({ stream, timestamp, count })),
          passed: passed.map(([stream, timestamp, identity, count]) => ({ stream, timestamp, identity, count }))
        })
    })
  }
}
