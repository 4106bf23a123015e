import { type FollowElement, Logs, MemoryEngine, type MemoryLogFault } from "@dockwire/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { ManualClock } from "../manualClock.js"
import { virtualStart } from "../virtualTime.js"
import { roundsOf, rowsOf } from "../../whole/isWhole.js"

/** An hour behind, at the same time, and an hour ahead. */
const skews = [-3_600_000, 0, 3_600_000] as const

/** A log that rotates, though not during a test: its live stream is verified. */
const logOptions = { "max-size": "1m", "max-file": "3" }
const containers = [{ name: "web", image: "busybox", command: ["sleep", "1000000"] }]

const textNumber = (text: string): number => Number(/^line (\d+) /.exec(text)?.[1])

const numberOf = (element: FollowElement): number | undefined =>
  element._tag === "LogLine" ? textNumber(element.text) : undefined

/** Follows a log of numbered lines from its first one. */
const following = Effect.fn(function* (clock: ManualClock) {
  const engine = yield* MemoryEngine
  const logs = yield* Logs
  const elements: Array<FollowElement> = []
  /** By line, when it was written, and how long it took to be delivered. */
  const writtenAt: Array<number> = []
  const delays: Array<number> = []
  const requests = (isFollow: boolean) =>
    Effect.map(engine.requests, (all) => {
      const ofLog = all.filter(({ path }) => path.endsWith("/logs"))
      return ofLog.filter(({ query }) => (query?.["follow"] === true) === isFollow).length
    })
  /** Writes a line after so many milliseconds. */
  const writeLine = (spacing: number) =>
    Effect.gen(function* () {
      if (spacing > 0) yield* clock.advance(spacing)
      writtenAt.push(yield* Clock.currentTimeMillis)
      yield* engine.writeLine("web", "stdout", `line ${writtenAt.length} of a log`)
    })
  const write = (count: number, spacing = 0) => Effect.repeatN(writeLine(spacing), count - 1)
  yield* write(1)
  yield* logs.follow("web").pipe(
    Stream.runForEach((element) =>
      Effect.map(Clock.currentTimeMillis, (millis) => {
        const number = numberOf(element)
        if (number !== undefined) delays.push(millis - (writtenAt[number - 1] ?? 0))
        elements.push(element)
      })
    ),
    Effect.fork
  )
  yield* clock.advance(5_000)
  return {
    advance: (millis: number) => clock.advance(millis),
    elements,
    delays,
    write,
    fault: (fault: MemoryLogFault) => engine.failLog("web", fault),
    rotate: (keep: number) => engine.rotateLog("web", keep),
    cut: engine.cut,
    written: () => writtenAt.length,
    numbers: () => elements.flatMap((element) => numberOf(element) ?? []),
    marks: () => elements.flatMap((element) => (element._tag === "LogMark" ? [element.mark] : [])),
    /** The lines that the log has. */
    kept: Effect.map(Stream.runCollect(logs.read("web")), (lines) => Array.from(lines, ({ text }) => textNumber(text))),
    /** How often the log was read besides. */
    reads: requests(false),
    /** How often it was followed. */
    follows: requests(true)
  }
})

type Following = Effect.Effect.Success<ReturnType<typeof following>>

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

const run = (
  clockSkew: number,
  program: (log: Following) => Effect.Effect<void, unknown>,
  options: Readonly<Record<string, string>> = logOptions
): Promise<void> => {
  const clock = new ManualClock(virtualStart)
  const engine = MemoryEngine.layer({ clockSkew, logOptions: options, containers })
  const layer = Logs.layer.pipe(Layer.provideMerge(engine))
  return Effect.flatMap(following(clock), program).pipe(
    Effect.scoped,
    Effect.provide(layer),
    Effect.withClock(clock),
    Effect.runPromise
  )
}

describe.each(skews)("a follow of a log that rotates, with an engine whose clock is %i ms ahead", (clockSkew) => {
  it("delivers lines at once that were written at once, with few reads", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, delays, marks, numbers, reads, write }) {
        const before = yield* reads
        yield* write(100)
        yield* advance(0)
        expect(numbers()).toEqual(range(1, 101))
        expect(delays.slice(1).every((delay) => delay === 0)).toBe(true)
        // One that finds more than the live stream has sent, one that reads it, and one of the silent log.
        expect((yield* reads) - before).toBeLessThanOrEqual(3)
        // Nor is there more to deliver later.
        yield* advance(20_000)
        expect(numbers()).toEqual(range(1, 101))
        expect(marks()).toEqual([])
      })
    ))

  it("reads the log at most ten times a second, however often lines are written, and delays none by more than that", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, delays, numbers, reads, write }) {
        const before = yield* reads
        yield* write(100, 20)
        yield* advance(100)
        expect(numbers()).toEqual(range(1, 101))
        expect(Math.max(...delays.slice(1))).toBeLessThanOrEqual(100)
        expect((yield* reads) - before).toBeLessThanOrEqual(2.1 * 10 + 1)
      })
    ))

  it("has lines that the live stream leaves out, in their place, without a mark", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, fault, marks, numbers, write }) {
        yield* fault({ _tag: "Skip", records: 20 })
        yield* write(20, 1)
        yield* write(5, 1)
        yield* advance(1_000)
        expect(numbers()).toEqual(range(1, 26))
        // The last ones too, which no later line announces.
        yield* fault({ _tag: "Skip", records: 3 })
        yield* write(1)
        yield* write(2, 1)
        yield* advance(11_000)
        expect(numbers()).toEqual(range(1, 29))
        expect(marks()).toEqual([])
      })
    ))

  it("marks a hole where neither the live stream nor the log has the lines", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, elements, fault, numbers, rotate, write }) {
        yield* fault({ _tag: "Skip", records: 20 })
        yield* write(20)
        yield* rotate(0)
        yield* write(5)
        yield* advance(1_000)
        expect(numbers()).toEqual([1, ...range(22, 26)])
        const [before, gap, after, ...rest] = elements
        expect(gap).toMatchObject({ mark: "gap", from: before?.timestamp, to: after?.timestamp })
        expect(rest.every(({ _tag }) => _tag === "LogLine")).toBe(true)
      })
    ))

  it("has lines once that the live stream sends again", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, fault, marks, numbers, write }) {
        yield* write(10)
        yield* fault({ _tag: "Repeat", records: 5 })
        yield* write(5)
        yield* advance(1_000)
        for (const records of [1, 7]) {
          yield* write(2, 5)
          yield* fault({ _tag: "Repeat", records })
          yield* advance(1_000)
        }
        expect(numbers()).toEqual(range(1, 20))
        expect(marks()).toEqual([])
      })
    ))

  it("notices within some seconds that the live stream is mute, and follows again", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, fault, follows, marks, numbers, write }) {
        yield* write(3, 5)
        yield* advance(1_000)
        const before = yield* follows
        yield* fault({ _tag: "Mute" })
        yield* write(3, 5)
        yield* advance(12_000)
        expect(numbers()).toEqual(range(1, 7))
        expect((yield* follows) - before).toBe(1)
        yield* write(3)
        yield* advance(100)
        expect(numbers()).toEqual(range(1, 10))
        expect(marks()).toEqual([])
      })
    ))

  it("steps over what the engine can't decode, with one error and one mark", () =>
    run(
      clockSkew,
      Effect.fn(function* ({ advance, elements, fault, marks, numbers, write }) {
        yield* write(5, 5)
        yield* fault({ _tag: "Corrupt", records: 3 })
        yield* write(8, 5)
        yield* advance(5_000)
        yield* write(5, 5)
        yield* advance(5_000)
        expect(numbers()).toEqual([...range(1, 6), ...range(10, 19)])
        expect(marks()).toEqual(["engine_error", "gap"])
        expect(elements.find((element) => element._tag === "LogMark" && element.mark === "gap")).toMatchObject({
          reason: "the engine can't read this part of the log"
        })
      })
    ))
})

/** Checks that lines are in order, each once, and that holes have marks which name the lines around them. */
const expectMarkedHoles = (elements: ReadonlyArray<FollowElement>) => {
  const gaps = elements.flatMap((element) => (element._tag === "LogMark" && element.mark === "gap" ? [element] : []))
  let previous = { number: 0, timestamp: "" }
  for (const element of elements) {
    const number = numberOf(element)
    if (number === undefined) continue
    expect(number).toBeGreaterThan(previous.number)
    const isMarked = gaps.some(({ from, to }) => from < element.timestamp && to > previous.timestamp)
    if (number > previous.number + 1) expect(isMarked, `hole in front of line ${number}`).toBe(true)
    previous = { number, timestamp: element.timestamp }
  }
}

/** Files of some 250 lines each. */
const smallFiles = { "max-size": "20k", "max-file": "3" }

/** Writes lines as fast as an engine might, so that it takes time to write a file. */
const burst = ({ advance, write }: Following, count: number) =>
  Effect.gen(function* () {
    for (let left = count; left > 0; left -= 20) yield* Effect.zipRight(write(Math.min(20, left)), advance(1))
  })

/** Writes so much that the follow knows what is in which file. */
const warmUp = (log: Following) =>
  Effect.gen(function* () {
    yield* burst(log, 400)
    for (let n = 0; n < 45; n++) yield* Effect.zipRight(log.write(10), log.advance(50))
    yield* log.advance(2_000)
  })

describe("a follow that knows how full the log's files are", () => {
  it("delivers lines at once, and reads the log only where a file is replaced", () =>
    run(
      0,
      Effect.fn(function* (log) {
        yield* warmUp(log)
        const [before, first] = [yield* log.reads, log.written()]
        log.delays.length = 0
        // Three or four files.
        for (let n = 0; n < 90; n++) yield* log.write(10, 2)
        yield* log.advance(200)
        expect(log.numbers().slice(-900)).toEqual(range(first + 1, first + 900))
        expect(log.delays.filter((delay) => delay > 0).length).toBeLessThanOrEqual(4 * 55)
        expect((yield* log.reads) - before).toBeLessThanOrEqual(4 + 4)
        expect(log.marks()).toEqual([])
      }),
      smallFiles
    ))

  it.each(rowsOf({ quick: [1, 4], more: [2, 3] }))(
    "misses no line that the log has where the live stream lags %i files behind",
    (rotations) =>
      run(
        0,
        Effect.fn(function* (log) {
          yield* warmUp(log)
          for (const count of [90, 1]) {
            yield* burst(log, count)
            yield* log.fault({ _tag: "Lag", rotations })
            yield* burst(log, 260 * rotations)
            yield* log.advance(2_000)
            expectMarkedHoles(log.elements)
            const delivered = new Set(log.numbers())
            expect((yield* log.kept).filter((number) => !delivered.has(number))).toEqual([])
          }
        }),
        smallFiles
      )
  )
})

type Step =
  | MemoryLogFault
  | { readonly _tag: "Write"; readonly count: number; readonly spacing: number }
  | { readonly _tag: "Rotate"; readonly keep: number }
  | { readonly _tag: "Cut" }
  | { readonly _tag: "Wait"; readonly millis: number }

const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  {
    weight: 4,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Write" as const),
      count: FastCheck.integer({ min: 1, max: 12 }),
      spacing: FastCheck.constantFrom(0, 0, 1, 60)
    })
  },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Wait" as const),
      millis: FastCheck.constantFrom(0, 50, 250, 1_500, 11_000)
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constantFrom("Skip" as const, "Repeat" as const, "Corrupt" as const),
      records: FastCheck.integer({ min: 1, max: 6 })
    })
  },
  { weight: 1, arbitrary: FastCheck.constantFrom({ _tag: "Mute" as const }, { _tag: "Cut" as const }) },
  {
    weight: 1,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Rotate" as const),
      keep: FastCheck.integer({ min: 0, max: 9 })
    })
  }
)

/** Takes the steps. Returns the lines that the engine can still read in the end. */
const take = (log: Following, steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const corrupt: Array<number> = []
    let first = 1
    for (const taken of steps) {
      if (taken._tag === "Write") yield* log.write(taken.count, taken.spacing)
      else if (taken._tag === "Wait") yield* log.advance(taken.millis)
      else if (taken._tag === "Cut") yield* log.cut
      else if (taken._tag === "Rotate") {
        // A live stream reads a file to its end, and it takes time to write one.
        yield* log.advance(1)
        first = Math.max(first, log.written() + 1 - taken.keep)
        yield* log.rotate(taken.keep)
      } else {
        if (taken._tag === "Corrupt") {
          corrupt.push(log.written() + 1, log.written() + taken.records)
        }
        yield* log.fault(taken)
        // A live stream leaves out whole files, which take time to write.
        if (taken._tag === "Skip") yield* Effect.zipRight(log.write(taken.records), log.advance(1))
      }
    }
    // The last faults are over.
    yield* log.write(14)
    yield* log.advance(20_000)
    // What lies between corrupt parts may be stepped over with them.
    const [from, to] = [Math.min(...corrupt), Math.max(...corrupt)]
    return range(first, log.written()).filter((number) => number < from || number > to)
  })

it(
  "a follow of a log that rotates has each line once, in order, and a mark for each hole, whatever happens",
  { timeout: 60_000 },
  async () => {
    const schedule = FastCheck.record({
      clockSkew: FastCheck.constantFrom(...skews),
      steps: FastCheck.array(step, { minLength: 1, maxLength: 9 })
    })
    await FastCheck.assert(
      FastCheck.asyncProperty(schedule, ({ clockSkew, steps }) =>
        run(
          clockSkew,
          Effect.fn(function* (log) {
            const readable = yield* take(log, steps)
            expectMarkedHoles(log.elements)
            const delivered = new Set(log.numbers())
            expect(readable.filter((number) => !delivered.has(number))).toEqual([])
            const has = (tag: Step["_tag"]) => steps.some(({ _tag }) => _tag === tag)
            const allowed = [...(has("Corrupt") ? ["engine_error", "gap"] : []), ...(has("Rotate") ? ["gap"] : [])]
            expect(log.marks().filter((mark) => !allowed.includes(mark))).toEqual([])
          })
        )
      ),
      { numRuns: roundsOf({ quick: 6, whole: 50 }) }
    )
  }
)

it("so it is while files are replaced, and the live stream lags behind", { timeout: 60_000 }, async () => {
  const some = FastCheck.oneof(
    FastCheck.record({ _tag: FastCheck.constant("Burst" as const), count: FastCheck.integer({ min: 1, max: 700 }) }),
    FastCheck.record({
      _tag: FastCheck.constant("Lag" as const),
      rotations: FastCheck.integer({ min: 1, max: 4 })
    }),
    FastCheck.record({ _tag: FastCheck.constant("Repeat" as const), records: FastCheck.integer({ min: 1, max: 300 }) }),
    FastCheck.record({ _tag: FastCheck.constant("Wait" as const), millis: FastCheck.constantFrom(50, 300, 1_500) }),
    FastCheck.constant({ _tag: "Cut" as const })
  )
  await FastCheck.assert(
    FastCheck.asyncProperty(FastCheck.array(some, { minLength: 1, maxLength: 5 }), (steps) =>
      run(
        0,
        Effect.fn(function* (log) {
          yield* warmUp(log)
          for (const taken of steps) {
            if (taken._tag === "Burst") yield* burst(log, taken.count)
            else if (taken._tag === "Wait") yield* log.advance(taken.millis)
            else if (taken._tag === "Cut") yield* log.cut
            else yield* log.fault(taken)
            if (taken._tag === "Lag") yield* burst(log, 260 * taken.rotations)
          }
          yield* burst(log, 30)
          yield* log.advance(20_000)
          expectMarkedHoles(log.elements)
          const delivered = new Set(log.numbers())
          expect((yield* log.kept).filter((number) => !delivered.has(number))).toEqual([])
        }),
        smallFiles
      )
    ),
    { numRuns: roundsOf({ quick: 2, whole: 20 }) }
  )
})
