import {
  type LogEvent,
  LogSink,
  LogSinkRecorder,
  type LogSinkShape,
  Operation,
  type WriterOptions
} from "@dockwire/core"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { Writable } from "node:stream"
import { describe, expect, it, onTestFinished } from "vitest"
import { eventually } from "../eventually.js"
import { stamp } from "../logs/engineLog.js"

const id = "c0ffee".padEnd(64, "0")
const line = (text: string): LogEvent => ({
  _tag: "LogLine",
  containerId: id,
  stream: "stdout",
  timestamp: stamp(1),
  text
})
const linesTo = (count: number) => Array.from({ length: count }, (_, index) => line(`line ${index + 1}`))
const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

const sinkOf = (sink: LogSinkShape) => Layer.succeed(LogSink, sink)
const recording = (into: Array<LogEvent>): LogSinkShape => ({
  offer: (events) => void into.push(...events),
  flush: Effect.void
})

/** Runs `body` with a buffered sink. */
const withBuffered = <A, E>(
  options: Omit<WriterOptions<string, never>, "name">,
  body: (sink: LogSinkShape) => Effect.Effect<A, E, Scope.Scope>
): Promise<A> =>
  Effect.runPromise(quiet(Effect.scoped(Effect.flatMap(LogSink.buffered({ name: "test", ...options }), body))))

describe("a buffered sink", () => {
  it("writes everything in order, in batches, and flushes", async () => {
    const written: Array<LogEvent> = []
    let batches = 0
    const write = (events: ReadonlyArray<LogEvent>) =>
      Effect.zipRight(
        Effect.sleep(1),
        Effect.sync(() => {
          batches++
          written.push(...events)
        })
      )
    const all = linesTo(5_000)
    await withBuffered({ write }, (sink) =>
      Effect.gen(function* () {
        for (const event of all) sink.offer([event])
        yield* sink.flush
        expect(written).toEqual(all)
        sink.offer([line("last")])
      })
    )
    // Closing the scope flushes too.
    expect(written).toHaveLength(5_001)
    expect(batches).toBeLessThan(10)
  })

  it("drops and counts events when its buffer is full, and reports them with the next batch", async () => {
    const seen: Array<{ count: number; dropped: number }> = []
    const gate = Effect.runSync(Deferred.make<void>())
    const write = (events: ReadonlyArray<LogEvent>, dropped: number) =>
      Effect.zipRight(
        Effect.sync(() => void seen.push({ count: events.length, dropped })),
        Deferred.await(gate)
      )
    await withBuffered({ write, capacity: 10 }, (sink) =>
      Effect.gen(function* () {
        sink.offer([line("first")])
        yield* Effect.promise(() => eventually(() => seen.length).toBe(1))
        sink.offer(linesTo(25))
        yield* Deferred.succeed(gate, undefined)
        yield* sink.flush
      })
    )
    expect(seen).toEqual([
      { count: 1, dropped: 0 },
      { count: 10, dropped: 15 }
    ])
    const texts: Array<number> = []
    await withBuffered(
      {
        capacityCharacters: 100,
        write: (events) => Effect.sync(() => void texts.push(events.length))
      },
      (sink) => Effect.sync(() => sink.offer(Array.from({ length: 5 }, () => line("x".repeat(40)))))
    )
    expect(texts).toEqual([2])
  })

  it("never drops the last event of an operation", async () => {
    const written: Array<LogEvent> = []
    const gate = Effect.runSync(Deferred.make<void>())
    const write = (events: ReadonlyArray<LogEvent>) =>
      Effect.zipRight(
        Effect.sync(() => void written.push(...events)),
        Deferred.await(gate)
      )
    const lines = Stream.range(1, 1_000).pipe(Stream.map((index) => Operation.line(`line ${index}`)))
    const steps = Stream.concat(lines, Stream.make(Operation.result("done")))
    await withBuffered({ write, capacity: 10 }, (sink) =>
      Effect.gen(function* () {
        sink.offer([line("first")])
        yield* Effect.promise(() => eventually(() => written.length).toBe(1))
        const offered: Array<LogEvent> = []
        const watched: LogSinkShape = {
          offer: (events) => {
            offered.push(...events)
            sink.offer(events)
          },
          flush: sink.flush
        }
        const run = yield* Effect.fork(
          Effect.provide(Operation.run({ kind: "made", target: {}, steps }), sinkOf(watched))
        )
        yield* Effect.promise(() => eventually(() => offered.at(-1)?._tag).toBe("OperationCompleted"))
        yield* Deferred.succeed(gate, undefined)
        expect(yield* Fiber.join(run)).toBe("done")
      })
    )
    expect(written.at(-1)).toMatchObject({ _tag: "OperationCompleted", seq: 1_001 })
  })

  it("recovers when its writer fails, dies or throws, and counts the lost events", async () => {
    for (const failing of [
      () => Effect.fail("failure"),
      () => Effect.die("defect"),
      (): Effect.Effect<void, string> => {
        throw new Error("thrown")
      }
    ]) {
      let calls = 0
      const seen: Array<{ count: number; dropped: number }> = []
      await withBuffered(
        {
          write: (events, dropped) =>
            ++calls <= 2 ? failing() : Effect.sync(() => void seen.push({ count: events.length, dropped }))
        },
        (sink) =>
          Effect.gen(function* () {
            for (const count of [3, 4, 5]) {
              sink.offer(linesTo(count))
              yield* sink.flush
            }
          })
      )
      expect(seen).toEqual([{ count: 5, dropped: 7 }])
    }
  })

  it("gives up a flush after its timeout if the writer never completes, and its scope closes", async () => {
    const closed = await withBuffered({ write: () => Effect.never, flushTimeout: "50 millis" }, (sink) =>
      Effect.gen(function* () {
        sink.offer(linesTo(1))
        yield* sink.flush
        return true
      })
    )
    expect(closed).toBe(true)
  })
})

describe("merged sinks", () => {
  it("each get all events, even if another one is slow, throws or never flushes", async () => {
    const [one, other]: [Array<LogEvent>, Array<LogEvent>] = [[], []]
    const broken: LogSinkShape = {
      offer: () => {
        throw new Error("broken")
      },
      flush: Effect.die("broken")
    }
    const layer = LogSink.merge(sinkOf(recording(one)), sinkOf(broken), sinkOf(recording(other)))
    const events = linesTo(3)
    await Effect.gen(function* () {
      const sink = yield* LogSink
      sink.offer(events)
      yield* sink.flush
    }).pipe(Effect.provide(layer), quiet, Effect.runPromise)
    expect(one).toEqual(events)
    expect(other).toEqual(events)
  })

  it("are built separately, and fail to build if one of them does", async () => {
    const got: Array<ReadonlyArray<LogEvent>> = []
    const built = Layer.effect(
      LogSink,
      Effect.sync((): LogSinkShape => ({ offer: (events) => void got.push(events), flush: Effect.void }))
    )
    const offer = Effect.flatMap(LogSink, (sink) => Effect.sync(() => sink.offer(linesTo(1))))
    await Effect.runPromise(
      Effect.provide(offer, LogSink.merge(Layer.fresh(built), Layer.fresh(built), LogSink.layerNone))
    )
    expect(got).toHaveLength(2)
    const failing = Layer.effectDiscard(Effect.fail("no such sink"))
    const exit = await Effect.runPromiseExit(
      Effect.provide(offer, LogSink.merge(built, Layer.provideMerge(LogSink.layerNone, failing)))
    )
    expect(exit).toEqual(Exit.fail("no such sink"))
  })
})

describe("a buffered sink that is closed", () => {
  it.each([
    ["never completes", Effect.never],
    ["can't be interrupted", Effect.uninterruptible(Effect.never)]
  ])("ends within seconds even if its write %s", (_, write) =>
    Effect.gen(function* () {
      const closing = yield* LogSink.buffered({ name: "test", write: () => write }).pipe(
        Effect.map((sink) => sink.offer(linesTo(10))),
        Effect.scoped,
        Effect.fork
      )
      yield* TestClock.adjust("5 seconds")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
    }).pipe(Effect.provide(TestContext.TestContext), Effect.runPromise)
  )
})

describe("the test sink", () => {
  it("records all events, and lets the test wait for them", async () => {
    const program = Operation.run({
      kind: "run_compose",
      target: { configId: 7 },
      steps: Stream.make(Operation.line("up"), Operation.result(1)).pipe(
        Stream.mapEffect((step) => Effect.as(Effect.sleep("20 millis"), step))
      )
    })
    await Effect.gen(function* () {
      const recorder = yield* LogSinkRecorder
      yield* Effect.fork(program)
      const events = yield* recorder.waitFor((all) => all.some((event) => event._tag === "OperationCompleted"))
      expect(events.map((event) => event._tag)).toEqual(["OperationStarted", "OperationLine", "OperationCompleted"])
      expect(yield* recorder.events).toEqual(events)
    }).pipe(Effect.provide(LogSink.layerTest), Effect.runPromise)
  })
})

describe("drain", () => {
  it("offers a stream in order, and flushes when it ends, fails or is interrupted", async () => {
    const events = linesTo(10)
    for (const end of [Stream.empty, Stream.fail("failure"), Stream.die("defect"), Stream.never]) {
      const got: Array<LogEvent> = []
      let flushed = 0
      const layer = sinkOf({ ...recording(got), flush: Effect.sync(() => void flushed++) })
      const drained = LogSink.drain(Stream.concat(Stream.fromIterable(events), end))
      const exit = await Effect.gen(function* () {
        const fiber = yield* Effect.fork(drained)
        yield* Effect.promise(() => eventually(() => got.length).toBe(10))
        return end === Stream.never ? yield* Fiber.interrupt(fiber) : yield* Fiber.await(fiber)
      }).pipe(Effect.provide(layer), Effect.runPromise)
      expect(Exit.isSuccess(exit)).toBe(end === Stream.empty)
      expect(got).toEqual(events)
      expect(flushed).toBe(1)
    }
  })
})

describe("the console sink", () => {
  /** A terminal that accepts nothing until it is released. */
  const blocked = () => {
    const pending: Array<() => void> = []
    let text = ""
    let open = false
    const output = new Writable({
      write: (chunk, _, done) => {
        text += String(chunk)
        if (open) done()
        else pending.push(done)
      }
    })
    const unblock = () => {
      open = true
      for (const done of pending.splice(0)) done()
    }
    return { output, unblock, text: () => text }
  }

  it("writes a line for each event, and reports what it dropped while the terminal was blocked", async () => {
    const terminal = blocked()
    await Effect.gen(function* () {
      const sink = yield* LogSink
      sink.offer([line("first")])
      yield* Effect.promise(() => eventually(terminal.text).toContain("first"))
      sink.offer(linesTo(1_000))
      expect(terminal.text()).not.toContain("line 1\n")
      terminal.unblock()
      yield* sink.flush
    }).pipe(Effect.provide(LogSink.layerConsoleWith({ output: terminal.output, capacity: 100 })), Effect.runPromise)
    const [first, dropped, ...rest] = terminal.text().trimEnd().split("\n")
    expect(first).toBe(`${stamp(1)} ${id.slice(0, 12)} stdout first`)
    expect(dropped).toContain("900 log events dropped")
    expect(rest).toHaveLength(100)
    expect(rest.at(-1)).toContain("line 100")
  })

  it("says how an operation has ended, and what one that was interrupted has left behind", async () => {
    const terminal = blocked()
    terminal.unblock()
    const run = { logId: "1", kind: "run_compose", target: {}, seq: 1, timestamp: stamp(1) }
    await Effect.gen(function* () {
      const sink = yield* LogSink
      sink.offer([
        { ...run, _tag: "OperationCompleted" },
        { ...run, _tag: "OperationFailed", error: "no such image" },
        { ...run, _tag: "OperationInterrupted" },
        { ...run, _tag: "OperationInterrupted", detail: "nothing is left" }
      ])
      yield* sink.flush
    }).pipe(Effect.provide(LogSink.layerConsoleWith({ output: terminal.output })), Effect.runPromise)
    const ends = ["completed", "failed: no such image", "interrupted", "interrupted: nothing is left"]
    expect(terminal.text()).toBe(ends.map((end) => `${stamp(1)} run_compose ${end}\n`).join(""))
  })

  it("survives when its reader closes the pipe", async () => {
    const uncaught: Array<unknown> = []
    const onUncaught = (error: unknown) => void uncaught.push(error)
    process.on("uncaughtException", onUncaught)
    onTestFinished(() => void process.off("uncaughtException", onUncaught))
    const output = new Writable({
      write: (_, __, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }))
    })
    const result = await Operation.run({
      kind: "x",
      target: {},
      steps: Stream.make(Operation.line("a"), Operation.result(1))
    }).pipe(
      Effect.zipLeft(Effect.sleep("20 millis")),
      Effect.provide(LogSink.layerConsoleWith({ output })),
      quiet,
      Effect.runPromise
    )
    expect(result).toBe(1)
    expect(uncaught).toEqual([])
    expect(output.listenerCount("error")).toBe(0)
  })
})
