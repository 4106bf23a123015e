import { clockNanos } from "./lineWriter.js"

const marker = "~#"
const numberLength = 9
const stampLength = 18
const filler = "level=info path=/api/items took=12ms status=200 bytes=4711"

/** A line with its number and the time it was written, at least `length` characters long. */
export const stampedLine = (index: number, length = 0): string =>
  `${marker}${String(index).padStart(numberLength, "0")} ${String(clockNanos()).padStart(stampLength, "0")} ${filler}`.padEnd(
    length,
    "."
  ) + "\n"

/** The first and the last of the stamped lines in a frame. */
export interface StampedRange {
  readonly first: number
  readonly last: number
  /** The time the first one was written, by `clockNanos`. */
  readonly writtenAt: bigint
}

/** Finds them without parsing the frame, which would be too slow for hundreds of thousands of lines per second. */
export const stampedRange = (frame: Buffer): StampedRange | undefined => {
  const at = frame.indexOf(marker)
  if (at === -1) return undefined
  const numberAt = (position: number) =>
    Number(frame.toString("latin1", position + marker.length, position + marker.length + numberLength))
  const stampAt = at + marker.length + numberLength + 1
  return {
    first: numberAt(at),
    last: numberAt(frame.lastIndexOf(marker)),
    writtenAt: BigInt(frame.toString("latin1", stampAt, stampAt + stampLength))
  }
}
