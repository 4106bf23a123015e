/** A place in the order of everything that is kept: by time, then container, then number. */

/** See `StreamState` for the key. `generation` is the container's row. */
export interface LogPlace {
  readonly keySeconds: number
  readonly keyNanos: number
  readonly generation: number
  readonly number: number
}

export const comparePlaces = (a: LogPlace, b: LogPlace): number =>
  a.keySeconds - b.keySeconds || a.keyNanos - b.keyNanos || a.generation - b.generation || a.number - b.number

export const cursorOf = ({ generation, keyNanos, keySeconds, number }: LogPlace): string =>
  `${keySeconds}.${keyNanos}.${generation}.${number}`

const pattern = /^(-?\d{1,13})\.(\d{1,9})\.(\d{1,15})\.(\d{1,15})$/

/** Reads a cursor; `undefined` if it is none. */
export const parseCursor = (text: string): LogPlace | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [keySeconds = 0, keyNanos = 0, generation = 0, number = 0] = match.slice(1).map(Number)
  return { keySeconds, keyNanos, generation, number }
}

/** The cursor from which a read or a search goes on with the record itself. */
export const cursorInFrontOf = (cursor: string, direction: "forward" | "backward"): string => {
  const place = parseCursor(cursor)
  return place === undefined
    ? cursor
    : cursorOf({ ...place, number: place.number + (direction === "forward" ? -1 : 1) })
}
