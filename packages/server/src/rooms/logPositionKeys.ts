/** Keys that identify the same place in a container's log, even when two follows started at different lines. */
import type { LogPosition } from "@dockwire/core/LogPosition"

/** How many records to look back when counting duplicates: they share a timestamp, so they are close together. */
const maxLookback = 64

/** The timestamp and identity of the last record at or before the position; empty before the first record. */
const lastRecord = ({ state }: LogPosition): string => {
  const last = state.length - 1
  const timestamp = state.window.timestamps[last]
  return timestamp === undefined ? "" : `${timestamp} ${state.window.identities[last]}`
}

/**
 * A key for the position that does not depend on where its follow started. Identical records with the same timestamp
 * (nanoseconds, or seconds on engines that have no finer resolution) get different keys, because the key counts them.
 */
export const positionKey = (position: LogPosition): string => {
  const { length, parts, window } = position.state
  const last = length - 1
  let duplicates = 0
  for (let index = last; index >= 0 && index > last - maxLookback; index--) {
    if (window.timestamps[index] === window.timestamps[last] && window.identities[index] === window.identities[last])
      duplicates++
  }
  return `${lastRecord(position)} ${duplicates} ${parts.map((part) => part.count).join()}`
}

/** Like `positionKey`, but the same for all identical records with the same timestamp. */
export const recordKey = (position: LogPosition): string =>
  `${lastRecord(position)} ${position.state.parts.map((part) => part.count).join()}`

/** Whether both positions are in the same run of the container, and either both before or both after its end. */
export const isSameRun = (left: LogPosition, right: LogPosition): boolean =>
  left.state.run?.startedAt === right.state.run?.startedAt && left.state.run?.ended === right.state.run?.ended

/** The timestamp of the last record at or before the position; empty before the first record. */
export const lastRecordTime = ({ state }: LogPosition): string => state.window.timestamps[state.length - 1] ?? ""
