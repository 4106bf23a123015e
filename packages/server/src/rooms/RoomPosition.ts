/** A viewer's position in a room: the opaque `position` of the wire protocol. */
import { LogPosition } from "@dockwire/core/LogPosition"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/**
 * The decoded form of a `position`. The epoch and `seq` are valid for as long as the server keeps the room. In a
 * container's room the position also holds a position in the engine's log, which survives a restart of the server.
 */
export interface RoomPosition {
  /** Empty for history that was never in the ring; such a position is identified by `log` alone. */
  readonly epoch: string
  /** The `seq` of the last event at or before the position; 0 if there is none. */
  readonly seq: number
  /** An encoded `LogPosition`. */
  readonly log?: string
}

const pattern = /^([0-9a-z]*)\.(\d{1,15})(?:\.(.+))?$/s

/** Encodes a position for the wire. */
export const formatPosition = (position: RoomPosition): string =>
  position.log === undefined ? `${position.epoch}.${position.seq}` : `${position.epoch}.${position.seq}.${position.log}`

/** Decodes the output of `formatPosition`; returns `undefined` for any other text. */
export const parsePosition = (text: string): RoomPosition | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, epoch = "", seq = "", log] = match
  return { epoch, seq: Number(seq), ...(log === undefined ? {} : { log }) }
}

/** The position before the first line of a log. */
export const startPosition = formatPosition({ epoch: "", seq: 0 })

/** The position after a log line that was never in the ring. */
export const historyPosition = (position: LogPosition): string =>
  formatPosition({ epoch: "", seq: 0, log: position.toString() })

/** The position in the engine's log that a `position` holds, if any. */
export const logPositionOf = (position: string): LogPosition | undefined => {
  const log = parsePosition(position)?.log
  return log === undefined ? undefined : Option.getOrUndefined(Effect.runSync(Effect.option(LogPosition.parse(log))))
}
