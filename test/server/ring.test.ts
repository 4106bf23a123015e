import { describe, expect, it } from "vitest"
import { Ring } from "../../packages/server/src/rooms/Ring.js"
import type { RoomEvent } from "../../packages/server/src/rooms/events/RoomEvent.js"
import { formatPosition, parsePosition } from "../../packages/server/src/rooms/RoomPosition.js"

const limits = { lines: 100, bytes: 1_000_000, age: 1_000 }
const head = { json: '{"a":1' }
const event = (text: string): RoomEvent => ({ event: "docker_log", head, json: JSON.stringify(["t", "stdout", text]) })
const make = (own: Partial<typeof limits> = {}) => new Ring("room", "e", { ...limits, ...own }, 10_000, 0)

describe("Ring", () => {
  it("returns every event once, from any seq on and over any number of frames", () => {
    const ring = make({ lines: 5_000 })
    for (let index = 1; index <= 3_000; index++) ring.push([event(String(index))], 0)
    for (const from of [1, 2, 777, 3_000]) {
      const texts: Array<string> = []
      for (let next = from; next <= ring.seq;) {
        const frame = ring.frame(next)
        if (frame === undefined) break
        const messages: ReadonlyArray<{ seq: number; data: { lines: ReadonlyArray<ReadonlyArray<string>> } }> =
          JSON.parse(frame.bytes.toString("utf8"))
        expect(messages[0]?.seq).toBe(next)
        for (const { data } of messages) for (const line of data.lines) texts.push(line[2] ?? "")
        next = frame.next
      }
      expect(texts).toEqual(Array.from({ length: 3_000 - from + 1 }, (_, index) => String(from + index)))
    }
    expect(ring.frame(3_001)).toBeUndefined()
  })

  it("evicts what is too old, except the last event", () => {
    const ring = make()
    ring.push([event("1"), event("2")], 0)
    ring.push([event("3")], 900)
    ring.evict(1_500)
    expect(ring.oldest).toBe(3)
    ring.evict(10_000)
    expect(ring.oldest).toBe(3)
    expect(ring.positionAt(3)).toBe("e.3")
  })

  it("finds the last lines among other events", () => {
    const ring = make()
    ring.push([event("1"), { event: "gap", json: "{}" }, event("2"), event("3"), { event: "gap", json: "{}" }], 0)
    expect(ring.lastLines(2)).toEqual({ from: 3, lines: 2 })
    expect(ring.lastLines(3)).toEqual({ from: 1, lines: 3 })
    expect(ring.lastLines(9)).toEqual({ from: 1, lines: 3 })
    expect(ring.lastLines(0)).toEqual({ from: 6, lines: 0 })
  })

  it("stays within its limits over many evictions", () => {
    const ring = make({ lines: 50 })
    for (let index = 1; index <= 20_000; index++) {
      ring.push([event(String(index))], 0)
      expect(ring.seq - ring.oldest + 1).toBe(Math.min(index, 50))
    }
    expect(ring.at(20_000)?.json).toContain('"20000"')
    expect(ring.at(19_950)).toBeUndefined()
    expect(ring.bytes).toBe(50 * (event("20000").json.length + 100))
  })
})

describe("RoomPosition", () => {
  it("is parsed as it was formatted, and any other text is rejected", () => {
    for (const position of [
      { epoch: "abc0", seq: 7 },
      { epoch: "", seq: 0, log: "a.b-_c" }
    ]) {
      expect(parsePosition(formatPosition(position))).toEqual(position)
    }
    for (const text of ["", "x", "a.b", "A.1", "a.-1", "a.1e3", `a.${"9".repeat(16)}`])
      expect(parsePosition(text)).toBeUndefined()
  })
})
