import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { type MergeSource, TimeMerger } from "../../../packages/core/src/internal/compose/logs/timeMerger.js"

interface Line {
  readonly timestamp: string
  readonly text: string
}

const line = (time: number, text = ""): Line => ({ timestamp: String(time).padStart(6, "0"), text })
const texts = (lines: ReadonlyArray<Line>) => lines.map(({ text }) => text).join("")
const times = (lines: ReadonlyArray<Line>) => lines.map(({ timestamp }) => timestamp)
const limits = { windowMillis: 100, historyMillis: 2_000 }

describe("merging lines by their time", () => {
  it("puts what exists already in order, whatever its chunks", () => {
    const sequences = FastCheck.array(
      FastCheck.array(FastCheck.array(FastCheck.nat(500), { minLength: 1, maxLength: 5 }), { maxLength: 5 }),
      { maxLength: 6 }
    )
    FastCheck.assert(
      FastCheck.property(sequences, FastCheck.integer({ min: 1, max: 9 }), (sequences, most) => {
        const merger = new TimeMerger<Line>({ ...limits, historyMillis: undefined })
        const all: Array<string> = []
        const rest = sequences.map((batches) => {
          const sorted = batches.flat().toSorted((left, right) => left - right)
          let at = 0
          const chunks = batches.map(({ length }) => sorted.slice(at, (at += length)).map((time) => line(time)))
          all.push(...times(chunks.flat()))
          return { source: merger.add("~", 0), chunks }
        })
        const merged: Array<Line> = []
        while (!merger.isDone) {
          for (const { chunks, source } of rest) {
            const chunk = source.isEnded ? undefined : chunks.shift()
            if (chunk !== undefined) merger.offer(source, chunk, 0)
            else if (!source.isEnded) merger.end(source)
          }
          merged.push(...merger.take(0, most))
        }
        expect(times(merged)).toEqual(all.toSorted())
      })
    )
  })

  /** Lines of a and b, with when they come. */
  const live = (arrivals: ReadonlyArray<readonly [at: number, "a" | "b", time: number]>, until: number) => {
    const merger = new TimeMerger<Line>(limits)
    const sources = { a: merger.add(undefined, 0), b: merger.add(undefined, 0) }
    const taken: Array<readonly [at: number, text: string]> = []
    for (let now = 0; now <= until; now++) {
      for (const [at, name, time] of arrivals) if (at === now) merger.offer(sources[name], [line(time, name)], now)
      const text = texts(merger.take(now, 100))
      if (text !== "") taken.push([now, text])
    }
    return taken
  }

  it("orders lines that come within the window, and holds none for longer", () => {
    expect(
      live(
        [
          [0, "a", 5],
          [60, "b", 3]
        ],
        300
      )
    ).toEqual([
      [60, "b"],
      [100, "a"]
    ])
    expect(
      live(
        [
          [0, "a", 5],
          [101, "b", 3]
        ],
        300
      )
    ).toEqual([
      [100, "a"],
      [201, "b"]
    ])
    expect(
      live(
        [
          [0, "a", 3],
          [60, "b", 5]
        ],
        300
      )
    ).toEqual([
      [60, "a"],
      [160, "b"]
    ])
    const arrivals = FastCheck.array(
      FastCheck.tuple(FastCheck.nat(500), FastCheck.constantFrom("a" as const, "b" as const), FastCheck.nat(50)),
      { maxLength: 20 }
    )
    FastCheck.assert(
      FastCheck.property(arrivals, (arrivals) => {
        const taken = live(arrivals, 700)
        expect(taken.map(([, text]) => text).join("")).toHaveLength(arrivals.length)
        let [arrived, gone] = [0, 0]
        for (let now = 0; now <= 700; now++) {
          gone += taken.find(([at]) => at === now)?.[1].length ?? 0
          arrived = arrivals.filter(([at]) => at <= now - limits.windowMillis).length
          if (gone < arrived) expect.fail(`at ${now}, ${gone} of ${arrived} lines that are due have been taken`)
        }
      }),
      { numRuns: 50 }
    )
  })

  it("waits for a history, but not for ever, and not for one that has been delivered", () => {
    const merger = new TimeMerger<Line>(limits)
    const [a, b] = [merger.add(line(9).timestamp, 0), merger.add(line(9).timestamp, 0)]
    merger.offer(a, [line(5, "a"), line(9, "a")], 10)
    expect(merger.take(1_000, 100)).toEqual([])
    expect(merger.nextAt(1_000)).toBe(2_000)
    merger.offer(b, [line(4, "b"), line(8, "b")], 1_500)
    expect(texts(merger.take(1_500, 100))).toBe("bab")
    expect(merger.take(1_600, 100)).toEqual([])
    // The rest of b does not come.
    expect(merger.nextAt(1_600)).toBe(3_500)
    expect(texts(merger.take(3_500, 100))).toBe("a")
    // Now both are as new as can be.
    merger.offer(b, [line(9, "b")], 4_000)
    expect(merger.nextAt(4_000)).toBe(4_100)
    expect(texts(merger.take(4_100, 100))).toBe("b")
  })

  it("keeps the order of each sequence, also where its clock went back", () => {
    const merger = new TimeMerger<Line>({ ...limits, historyMillis: undefined })
    const sources: ReadonlyArray<MergeSource<Line>> = [merger.add("~", 0), merger.add("~", 0)]
    sources.forEach((source, index) => {
      merger.offer(source, [line(5, `${index}a`), line(9, `${index}b`), line(2, `${index}c`)], 0)
      merger.end(source)
    })
    const all = texts(merger.take(0, 100))
    for (const index of [0, 1])
      expect(all.match(new RegExp(`${index}.`, "g"))?.join("")).toBe(`${index}a${index}b${index}c`)
    expect(merger.isDone).toBe(true)
  })
})
