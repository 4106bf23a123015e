import { describe, expect, it } from "vitest"
import { OffenceCounter } from "../../packages/server/src/socket/limits/OffenceCounter.js"
import { RateLimiter } from "../../packages/server/src/socket/limits/RateLimiter.js"

/** How many of `count` messages sent at once are allowed. */
const allowed = (limiter: RateLimiter, count: number, now: number): number =>
  Array.from({ length: count }).filter(() => limiter.tryAcquire(now)).length

describe("RateLimiter", () => {
  it("allows a burst, then a steady rate, and never more than a burst at once", () => {
    const limiter = new RateLimiter(10, 5, 0)
    expect(allowed(limiter, 20, 0)).toBe(10)
    expect(allowed(limiter, 20, 100)).toBe(0)
    expect(allowed(limiter, 20, 1_000)).toBe(5)
    expect(allowed(limiter, 20, 60_000)).toBe(10)
  })
})

describe("OffenceCounter", () => {
  it("reports the offence that reaches the limit within the window", () => {
    const offences = new OffenceCounter(3, 1_000)
    expect([0, 10, 20].map((at) => offences.add(at))).toEqual([false, false, true])
  })

  it("forgets offences that are older than the window", () => {
    const offences = new OffenceCounter(3, 1_000)
    expect([0, 10, 1_005, 1_006, 2_000].map((at) => offences.add(at))).toEqual([false, false, false, true, true])
  })
})
