import {
  Containers,
  Docker,
  Exec,
  isOperationEnded,
  type LogEvent,
  LogPosition,
  Logs,
  LogSink,
  LogSinkRecorder,
  Operation
} from "@dockwire/core"
import { Effect, Exit, Layer, Logger, Stream } from "effect"
import { Writable } from "node:stream"
import { afterAll, beforeAll, expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer, type TestContainer } from "../../engine/testContainer.js"

const services = Layer.mergeAll(Containers.layer, Exec.layer, Logs.layer)

describeEngine("events of a real engine, on their way to a sink,", () => {
  let container: TestContainer
  beforeAll(async () => {
    const cmd = ["sh", "-c", "echo one; echo two; echo three; sleep 1000"]
    container = await startTestContainer({ endpoint: testEngine().endpoint, cmd })
  })
  afterAll(() => container?.remove())

  const run = <A, E>(program: Effect.Effect<A, E, Containers | Exec | Logs>) =>
    Effect.runPromise(
      Effect.provide(program, Layer.provide(services, Docker.layer({ endpoint: testEngine().endpoint })))
    )

  /** The three lines. */
  const lines = Stream.unwrap(Effect.map(Logs, (logs) => Stream.take(logs.read(container.id, { follow: true }), 3)))
  const texts = (events: ReadonlyArray<LogEvent>) =>
    events.map((event) => (event._tag === "LogLine" || event._tag === "OperationLine" ? event.text : event._tag))
  const all = ["one", "two", "three"]

  it("are recorded for a test, written by a custom sink, or both", async () => {
    const written: Array<LogEvent> = []
    const write = (events: ReadonlyArray<LogEvent>) => Effect.sync(() => void written.push(...events))
    const own = Layer.scoped(LogSink, LogSink.buffered({ name: "own", write }))
    const program = Effect.gen(function* () {
      yield* LogSink.drain(lines)
      const { events, waitFor } = yield* LogSinkRecorder
      return [yield* waitFor(({ length }) => length === 3), yield* events]
    })
    for (const events of await run(Effect.provide(program, LogSink.layerTest))) expect(texts(events)).toEqual(all)
    await run(Effect.provide(LogSink.drain(lines), LogSink.merge(own, LogSink.layerNone, own)))
    expect(texts(written).toSorted()).toEqual([...all, ...all].toSorted())
  })

  it("are written as text, with the engine's time and the container", async () => {
    let text = ""
    const output = new Writable({
      write: (chunk, _, done) => {
        text += String(chunk)
        done()
      }
    })
    await run(Effect.provide(LogSink.drain(lines), LogSink.layerConsoleWith({ output })))
    const begun = `\\d{4}-\\d\\d-\\d\\dT\\S+Z ${container.id.slice(0, 12)} stdout`
    expect(text).toMatch(new RegExp(`^${all.map((line) => `${begun} ${line}\n`).join("")}$`))
  })

  it("continue from a parsed position, and are not stopped by a sink that throws", async () => {
    const broken = LogSink.isolated({
      offer: () => {
        throw new Error("broken")
      },
      flush: Effect.dieMessage("broken")
    })
    const program = Effect.gen(function* () {
      const logs = yield* Logs
      const sink = yield* LogSink
      const first = yield* Stream.runHead(
        Stream.tap(logs.follow(container.id), (element) => Effect.sync(() => sink.offer([element])))
      )
      yield* sink.flush
      const { position } = yield* first
      const parsed = yield* LogPosition.parse(position.toString())
      return yield* Stream.runCollect(Stream.take(logs.follow(container.id, { position: parsed }), 2))
    })
    const quiet = Logger.remove(Logger.defaultLogger)
    const rest = await run(program.pipe(Effect.provideService(LogSink, broken), Effect.provide(quiet)))
    expect(texts([...rest])).toEqual(["two", "three"])
  })

  /** A command in the container as an operation. */
  const task = (command: ReadonlyArray<string>): Operation<number, string, Exec> => ({
    kind: "run_command",
    target: { containerId: container.id },
    steps: Stream.unwrap(
      Effect.map(Exec, (exec) =>
        exec.stream(container.id, command).pipe(
          Stream.map((piece) =>
            piece._tag === "Exit"
              ? Operation.result(piece.exitCode)
              : Operation.line(Buffer.from(piece.bytes).toString("utf8").trimEnd(), piece.stream)
          ),
          Stream.mapError(({ message }) => message)
        )
      )
    )
  })

  it("are those of an operation, up to its result or failure", async () => {
    const events = await run(
      Effect.gen(function* () {
        expect(yield* Operation.run(task(["sh", "-c", "echo done; exit 3"]))).toBe(3)
        const failed = yield* Effect.exit(Operation.run(task(["dockwire-no-such-command"])))
        expect(Exit.isFailure(failed)).toBe(true)
        return yield* Effect.flatMap(LogSinkRecorder, ({ events }) => events)
      }).pipe(Effect.provide(LogSink.layerTest))
    )
    expect(texts(events)).toEqual([
      "OperationStarted",
      "done",
      "OperationCompleted",
      "OperationStarted",
      "OperationFailed"
    ])
    expect(events.filter(isOperationEnded)).toMatchObject([{}, { error: expect.stringContaining("no-such-command") }])
  })

  it("are those of an operation in the background, which is watched and cancelled", async () => {
    const events = await run(
      Effect.gen(function* () {
        const { cancel, events, result } = yield* Operation.start(task(["sh", "-c", "echo begun; sleep 1000"]))
        const seen: Array<LogEvent> = []
        yield* Stream.runForEach(events, (event) => {
          seen.push(event)
          return event._tag === "OperationLine" ? cancel : Effect.void
        })
        expect(Exit.isInterrupted(yield* Effect.exit(result))).toBe(true)
        return seen
      }).pipe(Effect.scoped, Effect.provide(LogSink.layerNone))
    )
    expect(texts(events)).toEqual(["OperationStarted", "begun", "OperationInterrupted"])
  })
})
