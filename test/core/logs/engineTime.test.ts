import * as Either from "effect/Either"
import { expect, it } from "vitest"
import {
  parseEngineTime,
  engineTimeMillis,
  toEngineTime,
  normalizeTimestamp,
  nanosTimestamp
} from "../../../packages/core/src/internal/api/engineTime.js"

const time = (value: string | Date) => Either.getOrElse(parseEngineTime("since", value), (error) => error.message)

it("keeps every nanosecond", () => {
  expect(time("2026-11-22T09:18:18.126803425Z")).toBe("1795339098.126803425")
  expect(time("2026-11-22T09:18:18.5Z")).toBe("1795339098.500000000")
  expect(time("2026-11-22t09:18:18z")).toBe("1795339098.000000000")
  expect(time("2026-11-22T10:18:18.000000001+01:00")).toBe("1795339098.000000001")
  expect(time("2026-11-22T03:48:18,25-05:30")).toBe("1795339098.250000000")
  expect(time("1795339098.126803425")).toBe("1795339098.126803425")
  expect(time("1795339098.5")).toBe("1795339098.500000000")
  expect(time("0")).toBe("0.000000000")
  expect(time(new Date(1_795_339_098_126))).toBe("1795339098.126000000")
})

it("rejects what is not a time, and names it", () => {
  const bad = ["", "yesterday", "2026-11-22", "2026-11-22T09:18:18", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"]
    .concat(["2026-11-22T09:18:61Z", "1.2.3", "-5", "1e9", "NaN", "10m", "2026-11-22T09:18:18.1234567890Z"])
    .concat(["2026-11-22T09:18:18Z\n", " 1795339098", "1795339098&tail=1"])
  for (const value of [...bad, new Date(Number.NaN)]) {
    const result = parseEngineTime("since", value)
    expect(Either.isLeft(result), String(value)).toBe(true)
    if (Either.isLeft(result)) {
      expect(result.left).toMatchObject({ _tag: "InvalidRequest", field: "since", value: String(value) })
    }
  }
})

it("shifts normalized timestamps by milliseconds and keeps the nanoseconds", () => {
  expect(toEngineTime("2026-11-22T09:18:18.126803425Z")).toBe("1795339098.126803425")
  expect(toEngineTime("2026-11-22T09:18:18.126803425Z", -127)).toBe("1795339097.999803425")
  expect(toEngineTime("2026-11-22T09:18:18.999803425Z", 1)).toBe("1795339099.000803425")
  expect(engineTimeMillis("1795339098.126803425")).toBeCloseTo(1_795_339_098_126.803, 2)
})

it("normalizes timestamps, so that their order is that of time", () => {
  expect(normalizeTimestamp("2026-11-22T09:18:18Z")).toBe("2026-11-22T09:18:18.000000000Z")
  expect(normalizeTimestamp("2026-11-22T09:18:18.12Z")).toBe("2026-11-22T09:18:18.120000000Z")
  expect(normalizeTimestamp("2026-11-22T11:18:18.120000001+02:00")).toBe("2026-11-22T09:18:18.120000001Z")
  expect(normalizeTimestamp("0001-01-01T00:00:00Z")).toBe("0001-01-01T00:00:00.000000000Z")
  expect(normalizeTimestamp("1795339098.5")).toBeUndefined()
  expect(normalizeTimestamp("hello")).toBeUndefined()
  expect(nanosTimestamp(1_795_339_098_126_803_425n)).toBe("2026-11-22T09:18:18.126803425Z")
  expect(nanosTimestamp(1_795_339_098_000_000_001n)).toBe("2026-11-22T09:18:18.000000001Z")
})
