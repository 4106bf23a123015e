/** Records as they are given out. */
import type { StoredLine } from "../LogRecord.js"
import { cursorOf } from "../LogCursor.js"
import { advance, copyState, levelMask, levelShift, type Records, streamMask, streamOf } from "../block/Records.js"
import { storedLevels } from "../block/storedLevels.js"
import { timestampOf } from "../block/recordTime.js"
import type { RawMark } from "../thread/messages.js"

/** Where records come from. */
export interface Origin {
  readonly source: string
  readonly containerId: string
  readonly generation: number
  /** The number of the first record. */
  readonly first: number
}

/** The keys and places of records. */
export interface Order {
  readonly keySeconds: Float64Array
  readonly keyNanos: Int32Array
  readonly places: Int32Array
}

export const orderOf = ({ count, flags, nanos, seconds, state: before }: Omit<Records, "text">): Order => {
  const state = copyState(before)
  const keySeconds = new Float64Array(count)
  const keyNanos = new Int32Array(count)
  const places = new Int32Array(count)
  for (let index = 0; index < count; index++) {
    places[index] = advance(state, seconds[index] ?? 0, nanos[index] ?? 0, flags[index] ?? 0)
    keySeconds[index] = state.keySeconds
    keyNanos[index] = state.keyNanos
  }
  return { keySeconds, keyNanos, places }
}

/** The text of a record. */
export const recordText = (text: Buffer, ends: Int32Array, index: number): string =>
  text.toString("utf8", index === 0 ? 0 : (ends[index - 1] ?? 0) + 1, ends[index] ?? 0)

export const renderRecord = (
  { containerId, first, generation, source }: Origin,
  records: Records,
  { keyNanos, keySeconds, places }: Order,
  ends: Int32Array,
  index: number
): StoredLine | RawMark => {
  const number = first + index
  const flag = records.flags[index] ?? 0
  const stream = flag & streamMask
  const text = recordText(records.text, ends, index)
  const identity = {
    source,
    containerId,
    number,
    place: places[index] ?? 0,
    cursor: cursorOf({ keySeconds: keySeconds[index] ?? 0, keyNanos: keyNanos[index] ?? 0, generation, number })
  }
  if (stream === streamOf.mark) return { _tag: "RawMark", ...identity, json: text }
  const part = records.parts.get(index)
  return {
    _tag: "StoredLine",
    ...identity,
    stream: stream === streamOf.stderr ? "stderr" : "stdout",
    timestamp: timestampOf(records.seconds[index] ?? 0, records.nanos[index] ?? 0),
    level: storedLevels[(flag >> levelShift) & levelMask] ?? "unknown",
    text,
    ...(part === undefined ? {} : { part })
  }
}
