/** The columns of records as bytes. */
import type { LogPart } from "@dockwire/core/LogEvent"
import { ByteReader, ByteWriter } from "./bytes.js"
import { noState, type RecordColumns, type StreamState } from "./Records.js"

/** Times that differ by more seconds are written apart from their nanoseconds: the difference might not fit a number. */
const maxDifference = 4_000_000

export const writeState = (writer: ByteWriter, { keyNanos, keySeconds, last }: StreamState): void => {
  writer.signed(keySeconds)
  writer.number(keyNanos)
  for (const { nanos, place, seconds } of last) {
    writer.signed(seconds)
    writer.number(nanos)
    writer.number(place)
  }
}

export const readState = (reader: ByteReader): StreamState => {
  const state = noState()
  state.keySeconds = reader.signed()
  state.keyNanos = reader.number()
  for (const last of state.last) {
    last.seconds = reader.signed()
    last.nanos = reader.number()
    last.place = reader.number()
  }
  return state
}

export const encodeColumns = ({ count, flags, inner, nanos, parts, seconds, state }: RecordColumns): Buffer => {
  const writer = new ByteWriter()
  writer.number(count)
  writeState(writer, state)
  let lastSecond = 0
  let lastNano = 0
  for (let index = 0; index < count; index++) {
    const second = seconds[index] ?? 0
    const nano = nanos[index] ?? 0
    const difference = second - lastSecond
    const code = difference * 1e9 + nano - lastNano + 1
    if (Math.abs(difference) < maxDifference && code !== 0) writer.signed(code)
    else {
      writer.signed(0)
      writer.signed(difference)
      writer.number(nano)
    }
    lastSecond = second
    lastNano = nano
  }
  writer.bytes(flags)
  writer.number(parts.size)
  for (const [index, part] of parts) {
    writer.number(index)
    writer.number(part.index)
    writer.byte(part.last ? 1 : 0)
  }
  writer.number(inner.length)
  for (const ordinal of inner) writer.number(ordinal)
  return writer.finish()
}

export const decodeColumns = (bytes: Uint8Array): RecordColumns => {
  const reader = new ByteReader(bytes)
  const count = reader.number()
  const state = readState(reader)
  const seconds = new Float64Array(count)
  const nanos = new Int32Array(count)
  let second = 0
  let nano = 0
  for (let index = 0; index < count; index++) {
    const code = reader.signed()
    if (code === 0) {
      second += reader.signed()
      nano = reader.number()
    } else {
      const next = nano + code - 1
      const carried = Math.floor(next / 1e9)
      second += carried
      nano = next - carried * 1e9
    }
    seconds[index] = second
    nanos[index] = nano
  }
  const flags = reader.bytes(count)
  const parts = new Map<number, LogPart>()
  for (let left = reader.number(); left > 0; left--) {
    const index = reader.number()
    parts.set(index, { index: reader.number(), last: reader.byte() === 1 })
  }
  const inner: Array<number> = []
  for (let left = reader.number(); left > 0; left--) inner.push(reader.number())
  return { count, state, seconds, nanos, flags, parts, inner }
}
