/** The servers that are compared. */
export type RoomServerKind = "dockwire" | "ws" | "socket.io"

/** The run in whose room the lines are. */
export const roomRun = "0c6d8a52-6a0e-4c57-9d1b-3f5f0d0e8a11"

const padding = "of a log, as long as such lines usually are, with some text behind it and a few words more"

/** A line whose number can be found in a frame. */
export const numberedLine = (number: number): string => `#${number} ${padding}`

/** How many bytes of a frame are the texts of these lines. */
export const textBytes = (from: number, to: number): number => {
  let bytes = 0
  for (let number = from; number <= to; number++) bytes += numberedLine(number).length
  return bytes
}

const numberAfter = (frame: Buffer, at: number): number =>
  Number.parseInt(frame.toString("latin1", at + 1, at + 12), 10)

/** The numbers of the first and the last line of a frame. */
export const numberedRange = (frame: Buffer): { readonly first: number; readonly last: number } | undefined => {
  const first = frame.indexOf("#")
  return first === -1
    ? undefined
    : { first: numberAfter(frame, first), last: numberAfter(frame, frame.lastIndexOf("#")) }
}
