/** Points of a container's log, held against each other: whether two follows that began at different places mean the same. */
import type { LogPosition } from "@dockwire/core/LogPosition"

/** How far back equal records are counted: they share a timestamp, so they stand close together. */
const countedBack = 64

/** The last record before the point: when it was written and what it is. Empty before the first. */
const record = ({ state }: LogPosition): string => {
  const last = state.length - 1
  const timestamp = state.window.timestamps[last]
  return timestamp === undefined ? "" : `${timestamp} ${state.window.identities[last]}`
}

/**
 * A text that is the same for the same point of a log, whichever follow came by it. Of equal records within a nanosecond
 * (or, with engines that know only seconds, a second) it tells which one.
 */
export const positionKey = (position: LogPosition): string => {
  const { length, parts, window } = position.state
  const last = length - 1
  let equal = 0
  for (let index = last; index >= 0 && index > last - countedBack; index--) {
    if (window.timestamps[index] === window.timestamps[last] && window.identities[index] === window.identities[last])
      equal++
  }
  return `${record(position)} ${equal} ${parts.map((part) => part.count).join()}`
}

/** As `positionKey`, without telling equal records apart. */
export const recordKey = (position: LogPosition): string =>
  `${record(position)} ${position.state.parts.map((part) => part.count).join()}`

/** Whether the two stand at the same run of the container, equally far through it. */
export const isSameRun = (left: LogPosition, right: LogPosition): boolean =>
  left.state.run?.startedAt === right.state.run?.startedAt && left.state.run?.ended === right.state.run?.ended

/** The timestamp of the last record before the point; empty before the first. */
export const lastRecordTime = ({ state }: LogPosition): string => state.window.timestamps[state.length - 1] ?? ""
