import { describe, expect, it } from "vitest"
import { DeliveryTracker } from "../../../packages/core/src/internal/logs/deliveryTracker.js"

const containerId = "c".repeat(64)
const timestampOf = (index: number) =>
  `2026-01-01T00:00:${String(index)
    .padStart(12, "0")
    .replace(/(?=.{9}$)/, ".")
    .slice(-12)}Z`

describe("the tracker of what was delivered", () => {
  it("holds a bounded number of records after a line that stays open", () => {
    const tracker = new DeliveryTracker(containerId, undefined)
    const deliver = (index: number, open: boolean) => {
      const bytes = Buffer.from(`${timestampOf(index)} line ${index}\n`)
      return tracker.record("stderr", timestampOf(index), bytes, 0, bytes.length, open)
    }
    const openLine = deliver(0, false)
    let last = -1
    for (let index = 1; index <= 70_000; index++) last = deliver(index, true)
    expect(last).toBe(openLine + 70_000)
    const { length, undelivered } = tracker.position([openLine]).state
    expect(length).toBeLessThanOrEqual(65_536)
    // The open line's record has left the window, so no other is taken for it.
    expect(undelivered).toEqual([])
  })

  it("starts a window at each record that is later than all before it", () => {
    const tracker = new DeliveryTracker(containerId, undefined)
    for (const [index, time] of [1, 2, 4, 3, 5].entries()) {
      const bytes = Buffer.from(`${timestampOf(time)} line ${index}\n`)
      tracker.record("stdout", timestampOf(time), bytes, 0, bytes.length, false)
    }
    expect(tracker.anchor).toBe(timestampOf(5))
    expect(tracker.position().state.length).toBe(1)
  })
})
