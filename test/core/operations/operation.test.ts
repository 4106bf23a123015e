import {
  ComposeFailed,
  ImageNotFound,
  isOperationEnded,
  LogSink,
  LogSinkRecorder,
  type LogEvent,
  type LogSinkShape,
  Operation,
  OperationEvent
} from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { describe, expect, it } from "vitest"

const target = { imageName: "busybox:latest" }
const made = <A, E = never>(steps: Operation<A, E>["steps"]): Operation<A, E> => ({ kind: "pull_image", target, steps })

const twoLines = Stream.make(Operation.line("one"), Operation.line("two", "stderr"))
const working = made(Stream.concat(twoLines, Stream.make(Operation.result(42))))

const isOperationEvent = (event: LogEvent): event is OperationEvent => event._tag.startsWith("Operation")

/** Runs a program with a recording sink. Returns its exit and what the sink received. */
const recorded = <A, E>(program: Effect.Effect<A, E, LogSink | LogSinkRecorder>) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(program)
    const recorder = yield* LogSinkRecorder
    return { exit, events: (yield* recorder.events).filter(isOperationEvent) }
  }).pipe(Effect.provide(LogSink.layerTest), Effect.runPromise)

/** Checks that a run has one first event, one last event, consecutive numbers and one id. */
const expectWellFormed = (events: ReadonlyArray<OperationEvent>) => {
  expect(events[0]).toMatchObject({ _tag: "OperationStarted", kind: "pull_image", target })
  expect(events.filter((event) => event._tag === "OperationStarted")).toHaveLength(1)
  expect(events.filter(isOperationEnded)).toHaveLength(1)
  expect(isOperationEnded(events.at(-1)!)).toBe(true)
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index))
  expect(new Set(events.map((event) => event.logId)).size).toBe(1)
  expect(events.every((event) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(event.timestamp))).toBe(true)
}

const tags = (events: ReadonlyArray<OperationEvent>) => events.map((event) => event._tag.slice("Operation".length))

describe("an operation", () => {
  it("returns its result and emits its events", async () => {
    const { events, exit } = await recorded(Operation.run(working))
    expect(exit).toEqual(Exit.succeed(42))
    expectWellFormed(events)
    expect(events.slice(1)).toMatchObject([
      { _tag: "OperationLine", text: "one", stream: "system" },
      { _tag: "OperationLine", text: "two", stream: "stderr" },
      { _tag: "OperationCompleted" }
    ])
  })

  it("emits progress, and returns the last of several results", async () => {
    const steps = Stream.make(
      { _tag: "Progress", id: "layer", status: "Downloading", current: 1, total: 2 } as const,
      Operation.result("first"),
      Operation.result("last")
    )
    const { events, exit } = await recorded(Operation.run(made(steps)))
    expect(exit).toEqual(Exit.succeed("last"))
    expect(events[1]).toMatchObject({
      _tag: "OperationProgress",
      id: "layer",
      status: "Downloading",
      current: 1,
      total: 2
    })
    expect(tags(events)).toEqual(["Started", "Progress", "Completed"])
  })

  it("that fails, dies or ends without a result is failed, with a message", async () => {
    const cases: ReadonlyArray<readonly [Stream.Stream<never, Error | string>, string]> = [
      [Stream.fail(new Error("no space left")), "no space left"],
      [Stream.fail("a plain word"), "a plain word"],
      [Stream.die(new TypeError("a defect")), "a defect"],
      [Stream.empty, "ended without a result"]
    ]
    for (const [end, words] of cases) {
      const { events, exit } = await recorded(Operation.run(made(Stream.concat(twoLines, end))))
      expect(Exit.isFailure(exit)).toBe(true)
      expectWellFormed(events)
      expect(tags(events)).toEqual(["Started", "Line", "Line", "Failed"])
      expect(events.at(-1)).toMatchObject({ error: expect.stringContaining(words) })
    }
  })

  it("that fails with a tagged error tells its plain fields, bounded", async () => {
    const lastLines = Array.from({ length: 30 }, (_, index) => `${index + 1}`)
    const broken = new ComposeFailed({
      reason: "Exited",
      project: "shop",
      service: "db",
      exitCode: 3,
      lastLines,
      detail: "x".repeat(5_000)
    })
    const unpulled = { image: "nginx", detail: "no" }
    class Plain extends Data.TaggedError("Plain")<{ readonly secret: string }> {}
    const cases: ReadonlyArray<readonly [unknown, unknown]> = [
      [
        broken,
        {
          tag: "ComposeFailed",
          fields: {
            reason: "Exited",
            project: "shop",
            service: "db",
            exitCode: 3,
            lastLines: lastLines.slice(-20),
            detail: `${"x".repeat(3_999)}…`
          }
        }
      ],
      [new ImageNotFound(unpulled), { tag: "ImageNotFound", fields: unpulled }],
      [new Plain({ secret: "no schema" }), { tag: "Plain", fields: {} }],
      [new Error("not tagged"), undefined]
    ]
    for (const [error, failure] of cases) {
      const { events } = await recorded(Operation.run(made(Stream.fail(error))))
      const last = events.at(-1)
      expect(last?._tag === "OperationFailed" ? last.failure : "not failed").toEqual(failure)
      expect(Schema.decodeUnknownSync(OperationEvent)(JSON.parse(JSON.stringify(last)))).toEqual(last)
    }
  })

  it("that is interrupted from outside, from inside or by its scope is interrupted", async () => {
    const endless = made<number>(Stream.concat(twoLines, Stream.never))
    const outside = await recorded(
      Effect.gen(function* () {
        const recorder = yield* LogSinkRecorder
        const fiber = yield* Effect.fork(Operation.run(endless))
        yield* recorder.waitFor((events) => events.length === 3)
        yield* Fiber.interrupt(fiber)
      })
    )
    const inside = await recorded(
      Operation.run(made<number>(Stream.concat(twoLines, Stream.fromEffect(Effect.interrupt))))
    )
    const scope = await recorded(
      Effect.scoped(Effect.flatMap(Operation.start(endless), ({ events }) => Stream.runDrain(Stream.take(events, 3))))
    )
    for (const { events } of [outside, inside, scope]) {
      expectWellFormed(events)
      expect(events.at(-1)?._tag).toBe("OperationInterrupted")
    }
  })

  it("that is cancelled before its first step emits its first and last event, and does nothing", async () => {
    let ran = 0
    const steps = Stream.fromEffect(Effect.sync(() => Operation.result(++ran)))
    for (let round = 0; round < 20; round++) {
      const { events } = await recorded(
        Effect.scoped(
          Effect.gen(function* () {
            const run = yield* Operation.start(
              made(Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep(0))), steps))
            )
            yield* run.cancel
            yield* run.cancel
            expect(Exit.isInterrupted(yield* Effect.exit(run.result))).toBe(true)
          })
        )
      )
      expectWellFormed(events)
      expect(tags(events)).toEqual(["Started", "Interrupted"])
    }
    expect(ran).toBe(0)
  })

  it("can be watched from its first event, even when it is over, and awaiting its result does not affect it", async () => {
    const { events } = await recorded(
      Effect.scoped(
        Effect.gen(function* () {
          const run = yield* Operation.start(working)
          const early = yield* Effect.fork(Stream.runCollect(run.events))
          const waiting = yield* Effect.fork(run.result)
          yield* Fiber.interrupt(waiting)
          expect(yield* run.result).toBe(42)
          const late = Chunk.toReadonlyArray(yield* Stream.runCollect(run.events))
          expectWellFormed(late)
          expect(Chunk.toReadonlyArray(yield* Fiber.join(early))).toEqual(late)
          expect(late[0]?.logId).toBe(run.id)
        })
      )
    )
    expectWellFormed(events)
  })

  it("with endless output buffers little of it, and late or slow subscribers still get the last event", async () => {
    const text = "x".repeat(1_000)
    const many = 100_000
    const flood = made(
      Stream.range(1, many, 500).pipe(
        Stream.map(() => Operation.line(text + Math.random())),
        Stream.concat(Stream.make(Operation.result("done")))
      )
    )
    let offered = 0
    const counting: LogSinkShape = { offer: (events) => void (offered += events.length), flush: Effect.void }
    await Effect.scoped(
      Effect.gen(function* () {
        const run = yield* Operation.start(flood)
        const stalled = yield* Effect.makeLatch(false)
        const released = yield* Effect.makeLatch(false)
        const slow = yield* run.events.pipe(
          // One that is stuck with its first event until the run is over.
          Stream.rechunk(1),
          Stream.tap(() => Effect.zipRight(stalled.open, released.await)),
          Stream.runCollect,
          Effect.map(Chunk.toReadonlyArray),
          Effect.fork
        )
        yield* stalled.await
        expect(yield* run.result).toBe("done")
        const late = Chunk.toReadonlyArray(yield* Stream.runCollect(run.events))
        // Of 100 MB, only what a late subscriber would get is kept.
        expect(late.length).toBeLessThanOrEqual(4_096)
        expect(late.at(-1)?._tag).toBe("OperationCompleted")
        yield* released.open
        const seen = yield* Fiber.join(slow)
        expect(seen.at(-1)?._tag).toBe("OperationCompleted")
        // What it had been sent already, and the last events of the run. Those in between are missing.
        expect(seen.length).toBeLessThanOrEqual(2 * 4_096)
        expect(seen.at(-1)?.seq).toBe(many + 1)
        expect(seen.map(({ seq }) => seq)).toEqual(seen.map(({ seq }) => seq).toSorted((one, other) => one - other))
      })
    ).pipe(Effect.provide(Layer.succeed(LogSink, counting)), Effect.runPromise)
    expect(offered).toBe(many + 2)
  })
})

describe("an operation whose sink is broken", () => {
  const run = (sink: LogSinkShape) =>
    Effect.scoped(
      Effect.gen(function* () {
        const run = yield* Operation.start(working)
        const events = Chunk.toReadonlyArray(yield* Stream.runCollect(run.events))
        expectWellFormed(events)
        return yield* run.result
      })
    ).pipe(Effect.provide(Layer.succeed(LogSink, sink)))
  const outcome = (sink: LogSinkShape) => Effect.runPromise(run(sink))

  it("continues if the sink throws, dies or is slow", async () => {
    const nothing = { offer: () => {}, flush: Effect.void }
    const throws = () => {
      throw new Error("broken sink")
    }
    expect(await outcome({ ...nothing, offer: throws })).toBe(42)
    expect(await outcome({ ...nothing, flush: Effect.die("broken flush") })).toBe(42)
    expect(await outcome({ ...nothing, flush: Effect.suspend(throws) })).toBe(42)
    expect(await outcome({ ...nothing, flush: Effect.interrupt })).toBe(42)
    expect(await outcome({ ...nothing, flush: Effect.sleep("100 millis") })).toBe(42)
  })

  it("ends within seconds if flushing the sink never completes, even uninterruptibly", async () => {
    for (const flush of [Effect.never, Effect.uninterruptible(Effect.never)]) {
      const program = Effect.gen(function* () {
        const fiber = yield* Effect.fork(run({ offer: () => {}, flush }))
        yield* TestClock.adjust("10 seconds")
        expect(yield* Fiber.join(fiber)).toBe(42)
      })
      await Effect.runPromise(Effect.provide(program, TestContext.TestContext))
    }
  })
})
