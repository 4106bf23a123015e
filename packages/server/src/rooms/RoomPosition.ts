/**
 * The `position` of the wire: where in a room a viewer is. Opaque to clients. It names the room's epoch and `seq`, which
 * hold as long as this server remembers the room, and for a container's room the point in the engine's own log, which
 * outlives the server.
 */
export interface RoomPosition {
  /** Empty on what came before the ring: then only `log` says where. */
  readonly epoch: string
  /** The `seq` of the last event that it covers; 0 for none. */
  readonly seq: number
  /** A `LogPosition` of the core as text. */
  readonly log?: string
}

const pattern = /^([0-9a-z]*)\.(\d{1,15})(?:\.(.+))?$/s

/** The position as it goes over the wire. */
export const formatPosition = (position: RoomPosition): string =>
  position.log === undefined ? `${position.epoch}.${position.seq}` : `${position.epoch}.${position.seq}.${position.log}`

/** Reads what `formatPosition` wrote; `undefined` for anything else. */
export const parsePosition = (text: string): RoomPosition | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, epoch = "", seq = "", log] = match
  return { epoch, seq: Number(seq), ...(log === undefined ? {} : { log }) }
}
