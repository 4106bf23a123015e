/**
 * Positions in a container's log, to resume a follow where an earlier one stopped.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { InvalidRequest } from "./DockerError.js"
import { LogStream } from "./LogEvent.js"
import { normalizeTimestamp } from "./internal/api/engineTime.js"
import { identityStream, mayBePiece } from "./internal/logs/recordIdentity.js"

/**
 * The run of a container that a position lies in: from one start to the next.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogRun {
  /** The engine's `StartedAt`. */
  readonly startedAt: string
  /** Whether the run's `stopped` mark has been delivered. */
  readonly ended: boolean
}

/**
 * How many parts of a line over 1 MiB have been delivered.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeliveredParts {
  readonly stream: LogStream
  readonly timestamp: string
  readonly count: number
}

/**
 * Consecutive records of the engine's log file. The first is the anchor, where reading resumes: normally its timestamp is
 * later than that of every record in front of it, and a request for the log since then returns the anchor first.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordWindow {
  readonly timestamps: ReadonlyArray<string>
  /** The `recordIdentity` of each record. */
  readonly identities: ReadonlyArray<number>
}

/**
 * The last delivered record of a stream that a shortened window leaves out. Streams are delivered in order, so every record
 * of the stream in front of it has been delivered too.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeliveredRecord {
  readonly stream: LogStream
  readonly timestamp: string
  /** Its `recordIdentity`. */
  readonly identity: number
  /** Its ordinal among the records with this identity, counted from the anchor. */
  readonly count: number
}

/**
 * The contents of a `LogPosition`.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogPositionState {
  readonly containerId: string
  readonly run: LogRun | undefined
  readonly window: RecordWindow
  /** How many records of the window lie in front of the position. Positions share a window that is still growing. */
  readonly length: number
  /** Indexes of those whose line is not complete, and so not delivered. */
  readonly undelivered: ReadonlyArray<number>
  readonly parts: ReadonlyArray<DeliveredParts>
  /** The last delivered record of each stream whose records the window leaves out. */
  readonly lastDelivered: ReadonlyArray<DeliveredRecord>
}

const Timestamp = Schema.String.pipe(Schema.filter((text) => normalizeTimestamp(text) === text))

const Encoded = Schema.parseJson(
  Schema.Tuple(
    // The version of the format.
    Schema.Literal(1),
    Schema.String,
    Schema.NullOr(Schema.Tuple(Timestamp, Schema.Boolean)),
    Schema.Array(Schema.Tuple(Timestamp, Schema.Number)),
    Schema.Array(Schema.Number),
    Schema.Array(Schema.Tuple(LogStream, Schema.String, Schema.Number)),
    Schema.optionalElement(Schema.Array(Schema.Tuple(LogStream, Timestamp, Schema.Number, Schema.Number)))
  )
)
const encode = Schema.encodeSync(Encoded)
const decode = Schema.decodeUnknown(Encoded)

/** The most records that a written position holds, unless it needs more. Leaving records out costs a request on resume. */
const maxWrittenRecords = 64

/** The last delivered record of each stream among the records of the window from `start` to `end`. */
const lastDeliveredBefore = (
  { lastDelivered, window }: LogPositionState,
  start: number,
  end: number,
  open: ReadonlySet<number>
): ReadonlyArray<DeliveredRecord> => {
  const last = new Map<LogStream, DeliveredRecord>()
  if (start === 0) for (const record of lastDelivered) last.set(record.stream, record)
  if (end > start + 1) {
    const counts = new Map<number, number>(
      lastDelivered.map(({ count, identity }) => [identity, start === 0 ? count : 0])
    )
    for (let index = start; index < end; index++) {
      const identity = window.identities[index] ?? 0
      if (open.has(index)) continue
      const count = (counts.get(identity) ?? 0) + 1
      counts.set(identity, count)
      const stream = identityStream(identity)
      if (index > start) last.set(stream, { stream, timestamp: window.timestamps[index] ?? "", identity, count })
    }
  }
  return [...last.values()]
}

/** Shortens the window to its record at `start`, the new anchor, and the last ones. */
const shorten = (state: LogPositionState, start: number): LogPositionState => {
  const { length, undelivered, window } = state
  const open = new Set(undelivered)
  const kept = length - start > 2 * maxWrittenRecords ? length - maxWrittenRecords : start + 1
  const indexes = Array.from({ length: length - kept }, (_, index) => kept + index)
  if (length > start) indexes.unshift(start)
  return {
    ...state,
    window: {
      timestamps: indexes.map((index) => window.timestamps[index] ?? ""),
      identities: indexes.map((index) => window.identities[index] ?? 0)
    },
    length: indexes.length,
    undelivered: indexes.flatMap((index, shortened) => (open.has(index) ? [shortened] : [])),
    lastDelivered: lastDeliveredBefore(state, start, kept, open)
  }
}

/**
 * A position in a container's log: directly after an element of a follow. `toString` writes it as opaque text of letters,
 * digits, `-` and `_`, at most 16 KiB long. `LogPosition.parse` reads it, in another process too.
 *
 * @since 0.1.0
 * @category models
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
    // An anchor that may be a piece of a line is found only by reading the log from its start.
    const isShort = length <= maxWrittenRecords || mayBePiece(this.state.window.identities[oldest] ?? 0)
    const state = shorten(this.state, isShort ? 0 : Math.max(0, oldest))
    const { containerId, run, window } = state
    const records = window.timestamps.map((timestamp, index) => [timestamp, window.identities[index] ?? 0] as const)
    const parts = state.parts.map(({ count, stream, timestamp }) => [stream, timestamp, count] as const)
    const lastDelivered = state.lastDelivered.map(
      ({ count, identity, stream, timestamp }) => [stream, timestamp, identity, count] as const
    )
    const text = encode([
      1,
      containerId,
      run === undefined ? null : [run.startedAt, run.ended],
      records,
      state.undelivered,
      parts,
      ...(lastDelivered.length === 0 ? ([] as const) : ([lastDelivered] as const))
    ])
    return Buffer.from(text).toString("base64url")
  }

  toJSON(): string {
    return this.toString()
  }

  /** Reads a position from the text that `toString` returned. */
  static parse(text: string): Effect.Effect<LogPosition, InvalidRequest> {
    return decode(Buffer.from(text, "base64url").toString("utf8")).pipe(
      Effect.mapBoth({
        onFailure: () =>
          new InvalidRequest({
            field: "position",
            value: text,
            detail: "not a log position. Use the position of an element that a follow emitted."
          }),
        onSuccess: ([, containerId, run, records, undelivered, parts, lastDelivered = []]) =>
          new LogPosition({
            containerId,
            run: run === null ? undefined : { startedAt: run[0], ended: run[1] },
            window: {
              timestamps: records.map(([timestamp]) => timestamp),
              identities: records.map(([, identity]) => identity)
            },
            length: records.length,
            undelivered: undelivered.filter((index) => index >= 0 && index < records.length),
            parts: parts.map(([stream, timestamp, count]) => ({ stream, timestamp, count })),
            lastDelivered: lastDelivered.map(([stream, timestamp, identity, count]) => ({
              stream,
              timestamp,
              identity,
              count
            }))
          })
      })
    )
  }
}
