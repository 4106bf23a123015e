import { describe, expect, it } from "vitest"
import { LogTrack } from "../../../packages/core/src/internal/logs/logTrack.js"

const containerId = "c".repeat(64)
const timestampOf = (index: number) =>
  `2026-01-01T00:00:${String(index)
    .padStart(12, "0")
    .replace(/(?=.{9}$)/, ".")
    .slice(-12)}Z`

describe("What of a log has been given", () => {
  it("holds a bounded number of records behind a line that stays open", () => {
    const track = new LogTrack(containerId, undefined)
    const give = (index: number, open: boolean) => {
      const bytes = Buffer.from(`${timestampOf(index)} line ${index}\n`)
      return track.record("stderr", timestampOf(index), bytes, 0, bytes.length, open)
    }
    const openLine = give(0, false)
    let last = -1
    for (let index = 1; index <= 70_000; index++) last = give(index, true)
    expect(last).toBe(openLine + 70_000)
    const { length, undelivered } = track.position([openLine]).state
    expect(length).toBeLessThanOrEqual(65_536)
    // The open line's record is in no ring any more, so no other is taken for it.
    expect(undelivered).toEqual([])
  })

  it("begins a ring at each record above all before it", () => {
    const track = new LogTrack(containerId, undefined)
    for (const [index, time] of [1, 2, 4, 3, 5].entries()) {
      const bytes = Buffer.from(`${timestampOf(time)} line ${index}\n`)
      track.record("stdout", timestampOf(time), bytes, 0, bytes.length, false)
    }
    expect(track.anchor).toBe(timestampOf(5))
    expect(track.position().state.length).toBe(1)
  })
})
