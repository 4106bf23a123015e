/** A viewer's position in a room: the opaque `position` of the wire protocol. */
import { LogPosition } from "@dockwire/core/LogPosition"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const HistoryRange = Schema.Struct({
  tail: Schema.optionalWith(Schema.Number, { exact: true }),
  since: Schema.optionalWith(Schema.String, { exact: true })
})

/** The part of a container's log that a client asked for. */
export type HistoryRange = typeof HistoryRange.Type

/** A place in the log of a container that is kept. */
export interface KeptPlace {
  /** Full id. */
  readonly containerId: string
  /** That of the last element at or before the place. */
  readonly cursor: string
}

/**
 * The decoded form of a `position`. The epoch and `seq` are valid for as long as the server keeps the room. In a
 * container's room the position also holds a position in the engine's log, which survives a restart of the server, and so does
 * the `order` in a room of operations. The room of one run has the run's own epoch and numbers.
 */
export interface RoomPosition {
  /** Empty for history that was never in the ring; such a position is identified by `log` or `request` alone. */
  readonly epoch: string
  /** The `seq` of the last event at or before the position; 0 if there is none. */
  readonly seq: number
  /** An encoded `LogPosition`. */
  readonly log?: string
  /** In a room of operations: the `order` of the last event at or before the position, in the history of operations. */
  readonly order?: number
  /** Instead of `log`, while nothing was delivered and the log's first line was unknown: what the client asked for. */
  readonly request?: HistoryRange
  /** Instead of `log`, in the kept log of a container that was removed: where it goes on. */
  readonly kept?: KeptPlace
  /** Whether history from before the events that were delivered live was requested and not yet delivered completely. */
  readonly incomplete?: boolean
}

const pattern = /^([0-9a-z-]*)\.(\d{1,15})(?:([.~])(.+)|!([\w-]+)|@(\d{1,15})|\^([^:]+):(.+))?$/s

const EncodedRange = Schema.parseJson(HistoryRange)
const encodeRange = Schema.encodeSync(EncodedRange)
const decodeRange = Schema.decodeOption(EncodedRange)

/** Encodes a position for the wire. */
export const formatPosition = ({ epoch, incomplete, kept, log, order, request, seq }: RoomPosition): string => {
  if (kept !== undefined) return `${epoch}.${seq}^${kept.containerId}:${kept.cursor}`
  const suffix =
    log !== undefined
      ? `${incomplete === true ? "~" : "."}${log}`
      : order !== undefined
        ? `@${order}`
        : request === undefined
          ? ""
          : `!${Buffer.from(encodeRange(request)).toString("base64url")}`
  return `${epoch}.${seq}${suffix}`
}

/** Decodes the output of `formatPosition`; returns `undefined` for any other text. */
export const parsePosition = (text: string): RoomPosition | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, epoch = "", seq = "", separator, log, range, order, containerId, cursor] = match
  const request =
    range === undefined
      ? undefined
      : Option.getOrUndefined(decodeRange(Buffer.from(range, "base64url").toString("utf8")))
  return {
    epoch,
    seq: Number(seq),
    ...(log === undefined ? {} : { log }),
    ...(separator === "~" ? { incomplete: true } : {}),
    ...(request === undefined ? {} : { request }),
    ...(order === undefined ? {} : { order: Number(order) }),
    ...(containerId === undefined || cursor === undefined ? {} : { kept: { containerId, cursor } })
  }
}

/** The position of a client to which nothing was delivered yet of what it asked for. */
export const requestPosition = (request: HistoryRange): string => formatPosition({ epoch: "", seq: 0, request })

/** A position in the log that is not in the ring. */
export const historyPosition = (position: LogPosition): string =>
  formatPosition({ epoch: "", seq: 0, log: position.toString() })

/** A position in the kept log of a container that was removed. */
export const keptPosition = (kept: KeptPlace): string => formatPosition({ epoch: "", seq: 0, kept })

/** The container whose log a `position` is in, if it says. */
export const containerOf = (position: string): string | undefined =>
  parsePosition(position)?.kept?.containerId ?? logPositionOf(position)?.containerId

/** The same position, from which a client can't resume without a gap: it lacks history that it asked for. */
export const incompletePosition = (position: string): string => {
  const parsed = parsePosition(position)
  return parsed?.log === undefined ? position : formatPosition({ ...parsed, incomplete: true })
}

/** The position in the engine's log that a `position` holds, if any. */
export const logPositionOf = (position: string): LogPosition | undefined => {
  const log = parsePosition(position)?.log
  return log === undefined ? undefined : Option.getOrUndefined(Effect.runSync(Effect.option(LogPosition.parse(log))))
}
