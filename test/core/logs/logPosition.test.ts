import { LogPosition } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import type { LogPositionState } from "../../../packages/core/src/LogPosition.js"
import { stamp } from "./engineLog.js"
import { randomness } from "./randomness.js"

const id = "c0ffee".padEnd(64, "0")

const reread = (state: LogPositionState): LogPositionState => {
  const text = new LogPosition(state).toString()
  expect(text).toMatch(/^[A-Za-z0-9_-]+$/)
  const parsed = Effect.runSync(LogPosition.parse(text))
  expect(parsed.toString()).toBe(text)
  expect(JSON.stringify({ position: parsed })).toBe(JSON.stringify({ position: text }))
  expect(parsed.containerId).toBe(id)
  return parsed.state
}

it("a position is the same after it was written and parsed", () => {
  const random = randomness("position")
  for (let round = 0; round < 50; round++) {
    const length = random.between(0, 60)
    const window = {
      timestamps: Array.from({ length: length + 3 }, (_, index) => stamp(index)),
      identities: Array.from({ length: length + 3 }, () => random.between(0, Number.MAX_SAFE_INTEGER))
    }
    const state: LogPositionState = {
      containerId: id,
      run: random.pick([undefined, { startedAt: stamp(1), ended: true }, { startedAt: stamp(2), ended: false }]),
      window,
      length,
      undelivered: length > 2 ? [0, length - 1] : [],
      parts: random.pick([[], [{ stream: "stderr" as const, timestamp: stamp(3), count: 4 }]]),
      lastDelivered: random.pick([[], [{ stream: "stdout" as const, timestamp: stamp(2), identity: 7, count: 2 }]])
    }
    expect(reread(state), `seed ${random.seed}`).toEqual({
      ...state,
      window: { timestamps: window.timestamps.slice(0, length), identities: window.identities.slice(0, length) }
    })
  }
})

it("a position with a long window is written with only the records needed to resume", () => {
  const window = {
    timestamps: Array.from({ length: 50_000 }, (_, index) => stamp(index)),
    identities: Array.from({ length: 50_000 }, (_, index) => index)
  }
  const state: LogPositionState = {
    containerId: id,
    run: undefined,
    window,
    length: 40_000,
    undelivered: [],
    parts: [],
    lastDelivered: []
  }
  const short = reread(state)
  expect(new LogPosition(state).toString().length).toBeLessThan(10_000)
  expect(short.window.timestamps.at(-1)).toBe(stamp(39_999))
  const open = reread({ ...state, undelivered: [39_990, 39_995] })
  expect(open.undelivered.map((index) => open.window.identities[index])).toEqual([39_990, 39_995])
  expect(open.window.identities.at(-1)).toBe(39_999)
})

it("a position after a long incomplete line is written with the last delivered record of each stream", () => {
  const random = randomness("position of a long line")
  const stderr = 2 ** 52
  const window = {
    timestamps: Array.from({ length: 5_000 }, (_, index) => stamp(index)),
    identities: Array.from({ length: 5_000 }, (_, index) => index + (index % 5 === 0 ? 0 : stderr))
  }
  const undelivered = window.identities.flatMap((identity, index) => (identity < stderr ? [index] : []))
  const parts = [{ stream: "stdout" as const, timestamp: stamp(0), count: 3 }]
  for (let round = 0; round < 30; round++) {
    const length = random.between(129, 5_000)
    const open = undelivered.filter((index) => index < length)
    const state: LogPositionState = {
      containerId: id,
      run: undefined,
      window,
      length,
      undelivered: open,
      parts,
      lastDelivered: []
    }
    expect(new LogPosition(state).toString().length).toBeLessThan(16 * 1024)
    const short = reread(state)
    expect(short.window.identities).toEqual([0, ...window.identities.slice(length - 64, length)])
    expect(short.undelivered.map((index) => short.window.identities[index])).toEqual([
      0,
      ...open.filter((index) => index >= length - 64)
    ])
    const last = Array.from({ length: length - 64 }, (_, index) => index).findLast((index) => index % 5 !== 0) ?? 0
    const lastDelivered = { stream: "stderr", timestamp: stamp(last), identity: last + stderr, count: 1 }
    expect(short.lastDelivered, `seed ${random.seed}`).toEqual([lastDelivered])
  }
})

it("a position is not parsed from other text", () => {
  const good = new LogPosition({
    containerId: id,
    run: undefined,
    window: { timestamps: [stamp(1)], identities: [1] },
    length: 1,
    undelivered: [],
    parts: [],
    lastDelivered: []
  }).toString()
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const bad = ["", "x", "../../etc", good.slice(0, -5), "%%%", "🚀", encoded({}), encoded([]), encoded(null)]
    .concat(encoded([2, id, null, [], [], []]), encoded([1, id, null, [["no time", 1]], [], []]))
    .concat(encoded([1, id, ["no time", false], [], [], []]), encoded([1, id, null, [[stamp(1), "1"]], [], []]))
    .concat(encoded([1, 5, null, [], [], []]), encoded([1, id, null, [], [], [["stdin", stamp(1), 1]]]))
  for (const text of bad) {
    const error = Effect.runSync(Effect.flip(LogPosition.parse(text)))
    expect(error).toMatchObject({ _tag: "InvalidRequest", field: "position", value: text })
  }
})
