import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { LogMatcher } from "../../../packages/server/src/search/LogMatcher.js"
import { LogQuery } from "../../../packages/server/src/search/LogQuery.js"

describe("LogMatcher", () => {
  it.effect("finds a literal text in any case, or in its own", () =>
    Effect.gen(function* () {
      const any = LogMatcher.make(yield* LogQuery.decode({ text: "Öl (rest)" }))
      expect(any.matchesText("a ÖL (REST) b")).toBe(true)
      expect(any.hits("a ÖL (REST) b")).toEqual([{ start: 2, end: 11 }])
      expect(any.literals).toEqual(["l (rest)"])
      const own = LogMatcher.make(yield* LogQuery.decode({ text: "Öl", caseSensitive: true }))
      expect([own.matchesText("Öl"), own.matchesText("öl"), own.isExact]).toEqual([true, false, true])
    })
  )

  it.effect("filters by stream, level and time", () =>
    Effect.gen(function* () {
      const { matches } = LogMatcher.make(
        yield* LogQuery.decode({
          levels: ["error"],
          streams: ["stderr"],
          from: "2026-01-31T12:00:00Z",
          to: "2026-01-31T12:00:01+00:00"
        })
      )
      const from = 1_769_860_800_000_000_000n
      expect(matches("", "error", "stderr", from)).toBe(true)
      expect(matches("", "error", "stderr", from - 1n)).toBe(false)
      expect(matches("", "error", "stderr", from + 1_000_000_000n)).toBe(false)
      expect(matches("", "info", "stderr", from)).toBe(false)
      expect(matches("", "error", "stdout", from)).toBe(false)
    })
  )
})
