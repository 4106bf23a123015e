import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { InvalidRequest } from "./DockerError.js"
import type { LogStream } from "./LogEvent.js"
import { logTimestamp } from "./internal/logTime.js"

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

/** What a `LogPosition` holds. */
export interface LogPoint {
  readonly containerId: string
  readonly run: LogRun | undefined
  readonly ring: RecordRing
  /** How many records of the ring lie before the point. */
  readonly length: number
  /** Those of them whose line is not complete at the point. */
  readonly undelivered: ReadonlyArray<number>
  readonly parts: ReadonlyArray<GivenParts>
}

const Timestamp = Schema.String.pipe(Schema.filter((text) => logTimestamp(text) === text))

const Encoded = Schema.parseJson(
  Schema.Tuple(
    Schema.Literal(1),
    Schema.String,
    Schema.NullOr(Schema.Tuple(Timestamp, Schema.Boolean)),
    Schema.Array(Schema.Tuple(Timestamp, Schema.Number)),
    Schema.Array(Schema.Number),
    Schema.Array(Schema.Tuple(Schema.Literal("stdout", "stderr"), Schema.String, Schema.Number))
  )
)
const encode = Schema.encodeSync(Encoded)
const decode = Schema.decodeUnknownEither(Encoded)

/** Records that a written position holds at the most, where it can do with fewer: resuming then takes one request more. */
const writtenRecords = 64

/**
 * A point in a container's log: right behind an element of a follow. `toString` writes it as an opaque text of letters,
 * digits, `-` and `_`; `LogPosition.parse` reads that, in another process too.
 */
export class LogPosition {
  constructor(readonly point: LogPoint) {}

  /** The full id of the container. */
  get containerId(): string {
    return this.point.containerId
  }

  toString(): string {
    const { containerId, length, parts, ring, run, undelivered } = this.point
    const oldest = Math.min(length - 1, ...undelivered)
    const start = length > writtenRecords ? Math.max(0, oldest) : 0
    const records = ring.timestamps
      .slice(start, length)
      .map((timestamp, index) => [timestamp, ring.identities[start + index] ?? 0] as const)
    const text = encode([
      1,
      containerId,
      run === undefined ? null : [run.startedAt, run.ended],
      records,
      undelivered.map((index) => index - start),
      parts.map(({ count, stream, timestamp }) => [stream, timestamp, count] as const)
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
      onRight: ([, containerId, run, records, undelivered, parts]) =>
        new LogPosition({
          containerId,
          run: run === null ? undefined : { startedAt: run[0], ended: run[1] },
          ring: {
            timestamps: records.map(([timestamp]) => timestamp),
            identities: records.map(([, identity]) => identity)
          },
          length: records.length,
          undelivered: undelivered.filter((index) => index >= 0 && index < records.length),
          parts: parts.map(([stream, timestamp, count]) => ({ stream, timestamp, count }))
        })
    })
  }
}
