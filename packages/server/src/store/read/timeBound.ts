/** Times of a range as seconds and nanoseconds. */
import { parseTime } from "../../search/text/queryTime.js"

export const boundOfNanos = (nanos: bigint): { readonly seconds: number; readonly nanos: number } => {
  const second = 1_000_000_000n
  const rest = ((nanos % second) + second) % second
  return { seconds: Number((nanos - rest) / second), nanos: Number(rest) }
}

export const parseTimeBound = (time: string): { readonly seconds: number; readonly nanos: number } | undefined => {
  const nanos = parseTime(time)
  return nanos === undefined ? undefined : boundOfNanos(nanos)
}
