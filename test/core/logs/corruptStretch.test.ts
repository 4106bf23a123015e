import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { findReadable } from "../../../packages/core/src/internal/watch/follow/corruptStretch.js"

/** A log in which one record is corrupt, and to which more are written with each request. A record's identity is its number. */
const growingLog = (records: { readonly behind: number; readonly perRequest: (request: number) => number }) => {
  const corrupt = 1000
  let [last, requests] = [corrupt + records.behind, 0]
  const lastRecords = (tail: number) =>
    Effect.sync(() => {
      last += records.perRequest(++requests)
      const first = last - tail + 1
      const identities = first > corrupt ? Array.from({ length: tail }, (_, index) => first + index) : []
      const copies = identities.map((number) => {
        const bytes = Buffer.from(String(number))
        return { stream: "stdout" as const, timestamp: "", bytes, start: 0, end: bytes.length }
      })
      return { identities, copies, firstTimestamp: String(first), hasFailed: first <= corrupt }
    })
  const found = Effect.runSync(findReadable(lastRecords, () => false))
  return { found, corrupt, readable: last - corrupt, requests }
}

describe("the end of a log that can be read", () => {
  it.each([0, 1, 3, 10, 30, 100])(
    "begins behind what is corrupt, also while %d records are written at a time",
    (each) => {
      for (const behind of [1, 2, 7, 64, 500]) {
        const { corrupt, found, readable, requests } = growingLog({ behind, perRequest: () => each })
        expect(found.first, `${behind} behind it`).toBe(corrupt + 1)
        expect(found.firstTimestamp).toBe(String(corrupt + 1))
        expect(found.records).toBeLessThanOrEqual(readable)
        const numbers = found.copies?.map(({ bytes }) => Number(bytes))
        expect(numbers).toEqual(Array.from({ length: found.records }, (_, index) => corrupt + 1 + index))
        expect(found.last).toBe(numbers?.at(-1))
        expect(requests).toBeLessThan(60)
      }
    }
  )

  it("leaves out no more than was written during two requests, if that changes", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const perRequest = (request: number) => (seed * 7919 + request * request * 31) % 12
      const { corrupt, found } = growingLog({ behind: seed, perRequest })
      expect((found.first ?? 0) - corrupt - 1, `seed ${seed}`).toBeLessThan(24)
    }
  })
})
