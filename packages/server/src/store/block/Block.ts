/** A block: records of one container, compressed. */
import { deflateSync, inflateSync } from "node:zlib"
import { decodeColumns, encodeColumns } from "./columns.js"
import { gramsOf } from "./grams.js"
import {
  advance,
  copyState,
  levelMask,
  levelShift,
  type RecordColumns,
  type Records,
  streamMask,
  streamOf
} from "./Records.js"

/** The text of a block, in bytes. Larger ones are smaller on disk, but their bitmaps exclude less. */
export const blockBytes = 256 * 1024

/** What is known of records without reading them. */
export interface Summary {
  readonly count: number
  /** Bytes of text. */
  readonly bytes: number
  /** The earliest and latest time, in seconds. Both are rounded down. */
  readonly minSeconds: number
  readonly maxSeconds: number
  /** The keys of the first and the last record. */
  readonly firstSeconds: number
  readonly firstNanos: number
  readonly keySeconds: number
  readonly keyNanos: number
  /** How many lines there are of each level, by its number. */
  readonly levels: ReadonlyArray<number>
  /** A bit for each stream that there are records of, by `streamOf`. */
  readonly streams: number
}

export const summarize = (records: Records): Summary => {
  const { count, flags, nanos, seconds, text } = records
  const state = copyState(records.state)
  const levels = [0, 0, 0, 0, 0, 0, 0]
  let streams = 0
  let minSeconds = Number.POSITIVE_INFINITY
  let maxSeconds = Number.NEGATIVE_INFINITY
  let firstSeconds = 0
  let firstNanos = 0
  for (let index = 0; index < count; index++) {
    const second = seconds[index] ?? 0
    const flag = flags[index] ?? 0
    advance(state, second, nanos[index] ?? 0, flag)
    if (index === 0) {
      firstSeconds = state.keySeconds
      firstNanos = state.keyNanos
    }
    const stream = flag & streamMask
    streams |= 1 << stream
    const level = (flag >> levelShift) & levelMask
    if (stream !== streamOf.mark) levels[level] = (levels[level] ?? 0) + 1
    if (second < minSeconds) minSeconds = second
    if (second > maxSeconds) maxSeconds = second
  }
  const { keyNanos, keySeconds } = state
  const bytes = text.length + 1
  return { count, bytes, minSeconds, maxSeconds, firstSeconds, firstNanos, keySeconds, keyNanos, levels, streams }
}

/** A block as it is stored. */
export interface EncodedBlock {
  readonly columns: Buffer
  readonly text: Buffer
  readonly grams: Buffer
}

// The checksum of zlib's format tells what is damaged. Text is most of a block, and is compressed once but read often.
const textLevel = 3
const columnsLevel = 1

export const encodeBlock = (records: Records): EncodedBlock => ({
  columns: deflateSync(encodeColumns(records), { level: columnsLevel }),
  text: deflateSync(records.text, { level: textLevel }),
  grams: gramsOf(records.text)
})

export const decodeBlockColumns = (columns: Uint8Array): RecordColumns => decodeColumns(inflateSync(columns))

export const decodeBlockText = (text: Uint8Array): Buffer => inflateSync(text, { chunkSize: blockBytes + 16 * 1024 })

/** Newest lines are stored as they are, in the same order: the length of the columns, the columns, the text. */
export const encodeTail = (records: Records): Buffer => {
  const columns = encodeColumns(records)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(columns.length)
  return Buffer.concat([length, columns, records.text])
}

export const decodeTail = (data: Buffer): Records => {
  const end = 4 + data.readUInt32LE(0)
  return { ...decodeColumns(data.subarray(4, end)), text: data.subarray(end) }
}
