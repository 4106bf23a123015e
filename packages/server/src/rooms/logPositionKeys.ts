/** Compares places in a container's log, even when two follows started at different lines. */
import type { LogMark, LogLine } from "@dockwire/core/LogEvent"
import { LogPosition } from "@dockwire/core/LogPosition"

/** How many records to look back when counting duplicates: they share a timestamp, so they are close together. */
const maxLookback = 64

/** The timestamp and identity of the last record at or before the position; empty before the first record. */
const lastRecord = ({ state }: LogPosition): string => {
  const last = state.length - 1
  const timestamp = state.window.timestamps[last]
  return timestamp === undefined ? "" : `${timestamp} ${state.window.identities[last]}`
}

/** Whether the last record of the position has not been delivered: the position is in front of it. */
const isLastUndelivered = ({ state }: LogPosition): boolean => state.undelivered.includes(state.length - 1)

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
  const open = isLastUndelivered(position) ? "open" : ""
  return `${lastRecord(position)} ${duplicates} ${parts.map((part) => part.count).join()} ${open}`
}

/** Like `positionKey`, but the same for all identical records with the same timestamp. */
export const recordKey = (position: LogPosition): string =>
  `${lastRecord(position)} ${position.state.parts.map((part) => part.count).join()}`

/** Whether both positions are in the same run of the container, and either both before or both after its end. */
export const isSameRun = (left: LogPosition, right: LogPosition): boolean =>
  left.state.run?.startedAt === right.state.run?.startedAt && left.state.run?.ended === right.state.run?.ended

/** The timestamp of the last record at or before the position; empty before the first record. */
export const lastRecordTime = ({ state }: LogPosition): string => state.window.timestamps[state.length - 1] ?? ""

/** The position in front of a log that has no lines yet. */
export const logStart = (containerId: string): LogPosition =>
  new LogPosition({
    containerId,
    run: undefined,
    window: { timestamps: [], identities: [] },
    length: 0,
    undelivered: [],
    parts: [],
    lastDelivered: []
  })

/** Whether this is `logStart`. */
export const isLogStart = ({ state }: LogPosition): boolean => state.length === 0 && state.run === undefined

/** The position in front of the first element of a follow that did not start from a position. */
export const positionBeforeFirst = (element: (LogLine | LogMark) & { readonly position: LogPosition }): LogPosition => {
  const { state } = element.position
  const { run } = state
  const runBefore =
    element._tag === "LogLine" || run === undefined
      ? run
      : element.mark === "stopped"
        ? { ...run, ended: false }
        : element.mark === "started"
          ? undefined
          : run
  return new LogPosition({
    ...state,
    run: runBefore,
    undelivered: Array.from({ length: state.length }, (_, index) => index),
    parts: [],
    lastDelivered: []
  })
}

/** Whether none of the records of the position has been delivered: it is in front of the first of them. */
export const isBeforeFirst = ({ state }: LogPosition): boolean =>
  state.length > 0 && state.undelivered.length === state.length

/** Whether the record that `before` is in front of is the last one of `position`, and has been delivered there. */
export const isRecordAfter = (position: LogPosition, before: LogPosition): boolean =>
  !isLastUndelivered(position) && lastRecord(position) === lastRecord(before)
