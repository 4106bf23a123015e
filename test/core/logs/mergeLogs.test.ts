import { describe, expect, it } from "@effect/vitest"
import { mergeLogs } from "@dockwire/core/LogMerge"
import type { ExistingElements, TimedElement } from "@dockwire/core/TimeMerger"
import { Chunk, Clock, Effect, Exit, FastCheck, Fiber, Queue, Stream, TestClock, TestContext } from "effect"

interface Line extends TimedElement {
  readonly text: string
}

const line = (time: number, text: string): Line => ({ timestamp: String(time).padStart(9, "0"), text })

/** Logs that are fed by hand, and what comes out of their merge, and when. */
const merging = (existing: ReadonlyArray<ExistingElements>) =>
  Effect.gen(function* () {
    const logs = yield* Effect.forEach(existing, (existing) =>
      Effect.map(Queue.unbounded<ReadonlyArray<Line>>(), (queue) => ({
        queue,
        log: { batches: Stream.fromQueue(queue), ...(existing === undefined ? {} : { existing }) }
      }))
    )
    const out: Array<{ readonly line: Line; readonly at: number }> = []
    const fiber = yield* mergeLogs(logs.map(({ log }) => log)).pipe(
      Stream.runForEach((lines) =>
        Effect.map(Clock.currentTimeMillis, (at) => void out.push(...lines.map((line) => ({ line, at }))))
      ),
      Effect.fork
    )
    const offer = (index: number, ...lines: ReadonlyArray<Line>) =>
      Effect.forEach(logs.slice(index, index + 1), ({ queue }) => Queue.offer(queue, lines))
    const end = (index: number) => Effect.forEach(logs.slice(index, index + 1), ({ queue }) => Queue.shutdown(queue))
    /** What has come out of all after so long. */
    const after = (millis: number) =>
      Effect.map(Effect.zipRight(TestClock.adjust(millis), TestClock.adjust(0)), () =>
        out.map(({ line }) => line.text).join("")
      )
    return { offer, end, after, fiber, out }
  })

describe("mergeLogs", () => {
  it.effect("puts new lines in order that arrive within 100 ms of each other", () =>
    Effect.gen(function* () {
      const { after, offer } = yield* merging([undefined, undefined])
      yield* offer(0, line(2, "b"), line(4, "d"))
      expect(yield* after(50)).toBe("")
      yield* offer(1, line(1, "a"), line(3, "c"))
      expect(yield* after(49)).toBe("abc")
      expect(yield* after(1)).toBe("abcd")
      // Too late for its place.
      yield* offer(1, line(0, "x"))
      expect(yield* after(100)).toBe("abcdx")
    })
  )

  it.effect("holds lines for a log that stalls for 500 ms at most", () =>
    Effect.gen(function* () {
      const { after, offer } = yield* merging([undefined, { until: line(9, "").timestamp }, undefined])
      yield* offer(0, line(2, "b"))
      expect(yield* after(499)).toBe("")
      expect(yield* after(1)).toBe("b")
      yield* offer(1, line(3, "c"))
      expect(yield* after(100)).toBe("bc")
      yield* offer(0, line(20, "e"))
      expect(yield* after(400)).toBe("bc")
      // The third log, of which nothing is known to exist, is not waited for longer than the window.
      yield* offer(1, line(9, "d"))
      expect(yield* after(0)).toBe("bcde")
    })
  )

  it.effect("waits for no log that has ended, and ends with the last", () =>
    Effect.gen(function* () {
      const { after, end, fiber, offer } = yield* merging(["all", "all"])
      yield* offer(0, line(1, "a"))
      yield* offer(1, line(2, "b"))
      expect(yield* after(0)).toBe("a")
      yield* end(0)
      expect(yield* after(0)).toBe("ab")
      yield* end(1)
      yield* Fiber.join(fiber)
    })
  )

  it("holds no new line for longer than the window, loses none, and puts out of order only what comes too late", () => {
    const arrivals = FastCheck.array(FastCheck.tuple(FastCheck.nat(2), FastCheck.nat(60), FastCheck.nat(80)), {
      maxLength: 40
    })
    return FastCheck.assert(
      FastCheck.asyncProperty(arrivals, (arrivals) =>
        Effect.gen(function* () {
          const { after, offer, out } = yield* merging([undefined, undefined, undefined])
          const latest = [0, 0, 0]
          const arrived: Array<{ readonly log: number; readonly line: Line; readonly at: number }> = []
          for (const [log, pause, later] of arrivals) {
            yield* after(pause)
            const next = line((latest[log] = (latest[log] ?? 0) + later), `${log}.${arrived.length} `)
            arrived.push({ log, line: next, at: yield* Clock.currentTimeMillis })
            yield* offer(log, next)
          }
          yield* after(111)
          for (const log of [0, 1, 2]) {
            expect(out.filter(({ line }) => line.text.startsWith(`${log}`)).map(({ line }) => line)).toEqual(
              arrived.filter((one) => one.log === log).map(({ line }) => line)
            )
          }
          const arrivedAt = new Map(arrived.map(({ at, line }) => [line.text, at]))
          for (const [index, { at, line }] of out.entries()) {
            const came = arrivedAt.get(line.text) ?? 0
            expect(at - came).toBeLessThanOrEqual(110)
            const earlier = out.slice(0, index).filter((other) => other.line.timestamp > line.timestamp)
            for (const other of earlier) {
              // A line at least as late was due before this one came.
              const due = arrived.some((one) => one.line.timestamp >= other.line.timestamp && one.at + 100 <= came)
              if (!due) expect.fail(`${line.text}is behind ${other.line.text}`)
            }
          }
        }).pipe(Effect.scoped, Effect.provide(TestContext.TestContext), Effect.runPromise)
      ),
      { numRuns: 60 }
    )
  })

  it("merges what exists as a whole, each log in its own order, whatever its arrays", () => {
    const logs = FastCheck.array(
      FastCheck.array(FastCheck.array(FastCheck.nat(500), { maxLength: 9 }), { maxLength: 20 }),
      { maxLength: 5 }
    )
    return FastCheck.assert(
      FastCheck.asyncProperty(logs, (logs) =>
        Effect.gen(function* () {
          const sources = logs.map((batches, log) => {
            const sorted = batches.flat().toSorted((one, other) => one - other)
            let at = 0
            return batches.map(({ length }) =>
              sorted.slice(at, (at += length)).map((time, index) => line(time, `${log}.${at}.${index}`))
            )
          })
          const merged = yield* mergeLogs(
            sources.map((batches) => ({ batches: Stream.fromIterable(batches), existing: "all" as const }))
          ).pipe(Stream.runCollect)
          const lines = Chunk.toReadonlyArray(merged).flat()
          const times = lines.map(({ timestamp }) => timestamp)
          expect(times).toEqual(times.toSorted())
          for (const [log, batches] of sources.entries())
            expect(lines.filter(({ text }) => text.startsWith(`${log}.`))).toEqual(batches.flat())
        }).pipe(Effect.provide(TestContext.TestContext), Effect.runPromise)
      ),
      { numRuns: 60 }
    )
  })

  it.effect("fails with the error of a log, and closes the others", () =>
    Effect.gen(function* () {
      let isClosed = false
      const open = Stream.never.pipe(Stream.ensuring(Effect.sync(() => (isClosed = true))))
      const exit = yield* Effect.exit(
        Stream.runDrain(mergeLogs<Line, string>([{ batches: open }, { batches: Stream.fail("gone") }]))
      )
      expect(exit).toEqual(Exit.fail("gone"))
      expect(isClosed).toBe(true)
      expect(Chunk.size(yield* Stream.runCollect(mergeLogs<Line>([])))).toBe(0)
    })
  )
})
