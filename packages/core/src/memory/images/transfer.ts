import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { MemoryTransferSpec } from "../state/images/imageSpec.js"
import { LineFailure } from "./jsonLines.js"

/** How often the engine reports progress. */
const reportMillis = 100

/** The first report of a transfer comes after this many bytes. */
const firstBytes = 32_768

/** How often the engine tries to transfer a layer. It waits five seconds longer after each failure. */
const maxAttempts = 5

/** Reports the progress of `bytes` that take `millis`, at the beginning, every 100 ms, and at the end. */
export const advance = (bytes: number, millis: number, report: (current: number) => void): Effect.Effect<void> =>
  Effect.gen(function* () {
    const first = Math.min(bytes, firstBytes)
    report(first)
    let elapsed = 0
    while (elapsed < millis) {
      const step = Math.min(reportMillis, millis - elapsed)
      yield* Effect.sleep(step)
      elapsed += step
      if (elapsed < millis) report(Math.max(first, Math.floor((bytes * elapsed) / millis)))
    }
    if (bytes > first) report(bytes)
  })

/** What a transfer reports. */
export interface TransferReport {
  readonly progress: (sizes: { readonly current: number; readonly total: number }) => void
  readonly retrying: (status: string) => void
}

const waitToRetry = (attempt: number, { retrying }: TransferReport): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let seconds = attempt * 5; seconds > 0; seconds--) {
      retrying(`Retrying in ${seconds} second${seconds === 1 ? "" : "s"}`)
      yield* Effect.sleep("1 second")
    }
  })

/**
 * Transfers `size` bytes. After a cut, a download continues where it was: its total is then what is missing. An upload
 * starts again.
 */
export const transfer = (
  size: number,
  { cutAfter, cuts = 1, duration = 0, stallAfter }: MemoryTransferSpec,
  resumes: boolean,
  report: TransferReport
): Effect.Effect<void, LineFailure> =>
  Effect.gen(function* () {
    const millis = Duration.toMillis(duration)
    const timeOf = (bytes: number) => (size === 0 ? millis : (millis * bytes) / size)
    let done = 0
    for (let attempt = 1; ; attempt++) {
      const total = size - done
      const reportFrom = (current: number) => report.progress({ current, total })
      const isStalled = stallAfter !== undefined && stallAfter < size
      const isCut = cutAfter !== undefined && attempt <= cuts && cutAfter < size
      if (!isCut && !isStalled) return yield* advance(total, timeOf(total), reportFrom)
      const part = Math.max(0, Math.min(isCut ? cutAfter : size, isStalled ? stallAfter : size) - done)
      if (part > 0) yield* advance(part, timeOf(part), reportFrom)
      if (!isCut || (isStalled && stallAfter <= cutAfter)) return yield* Effect.never
      if (attempt === maxAttempts) return yield* new LineFailure({ message: "unexpected EOF" })
      if (resumes) done += part
      yield* waitToRetry(attempt, report)
    }
  })
