import { describe, expect, it } from "vitest"
import { addressOf, AttemptCounter } from "../../packages/server/src/access/TokenAttempts.js"

const failedTimes = (counter: AttemptCounter, address: string, times: number, now: number) => {
  for (let attempt = 0; attempt < times; attempt++) counter.failed(address, now)
}

describe("wrong tokens", () => {
  it("cost a wait after the tenth: a second, then twice as long each time, up to a minute", () => {
    const counter = new AttemptCounter()
    let now = 1_000_000
    failedTimes(counter, "a", 9, now)
    expect(counter.refusal("a", now)).toBeUndefined()
    const waits = Array.from({ length: 9 }, () => {
      counter.failed("a", now)
      const seconds = counter.refusal("a", now)?.retryAfter ?? 0
      expect(counter.refusal("a", now + seconds * 1000 - 1)).toBeDefined()
      now += seconds * 1000
      expect(counter.refusal("a", now)).toBeUndefined()
      return seconds
    })
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    expect(counter.refusal("b", now)).toBeUndefined()
  })

  it("are forgotten with the right one, and after a quarter of an hour", () => {
    const counter = new AttemptCounter()
    for (const address of ["a", "b"]) failedTimes(counter, address, 30, 0)
    counter.succeeded("a")
    counter.failed("a", 0)
    counter.failed("b", 15 * 60 * 1000 + 1)
    for (const address of ["a", "b"]) expect(counter.refusal(address, 15 * 60 * 1000 + 1)).toBeUndefined()
  })

  it("are counted for a bounded number of addresses; an attacker with many makes nobody else wait", () => {
    const counter = new AttemptCounter()
    failedTimes(counter, "first", 30, 0)
    for (let index = 0; index < 20_000; index++) counter.failed(`address ${index}`, 1)
    expect(counter.size).toBe(10_000)
    expect(counter.refusal("first", 1)).toBeUndefined()
  })
})

describe("the address of an attempt", () => {
  const cases: ReadonlyArray<readonly [string | undefined, string | undefined, string]> = [
    ["192.0.2.1", undefined, "192.0.2.1"],
    ["::ffff:192.0.2.1", undefined, "192.0.2.1"],
    // Only a proxy on this machine is believed, and only what it has added itself.
    ["192.0.2.1", "203.0.113.1", "192.0.2.1"],
    ["127.0.0.1", "203.0.113.1", "203.0.113.1"],
    ["::ffff:127.0.0.1", "198.51.100.1, 203.0.113.1 ", "203.0.113.1"],
    ["::1", "203.0.113.1, unknown", "::1"],
    ["127.0.0.1", "", "127.0.0.1"],
    [undefined, undefined, ""],
    // A client has a whole network.
    ["2001:db8:1:2:3:4:5:6", undefined, "2001:db8:1:2"],
    ["2001:0db8:1:2::9", undefined, "2001:db8:1:2"],
    ["2001:db8::1", undefined, "2001:db8:0:0"],
    ["fe80::1%eth0", undefined, "fe80:0:0:0"],
    ["::1", "2001:db8:1:2::7", "2001:db8:1:2"],
    ["::1", undefined, "::1"]
  ]

  it.each(cases)("of %s with X-Forwarded-For %s is %s", (peer, forwarded, address) => {
    const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded }
    expect(addressOf({ headers, peer })).toBe(address)
  })
})
