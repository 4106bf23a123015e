/** A server whose operation prints lines. Prints its address, then for each command on its input a result. */
import { MemoryEngine, Operation } from "@dockwire/core"
import { Operations, Server } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { createInterface } from "node:readline"

const [, , dataDir = "", history = "kept"] = process.argv
const token = "bench"

const say = (value: unknown) => Effect.sync(() => void process.stdout.write(`${JSON.stringify(value)}\n`))

/** `count` lines in batches of 100, as fast as possible or at a rate. */
const printing = (count: number, linesPerSecond: number) => {
  const batches = Stream.map(Stream.range(1, count / 100), (batch) =>
    Array.from({ length: 100 }, (_, index) => Operation.line(`${batch * 100 + index} ${"x".repeat(100)}`, "stdout"))
  )
  const paced =
    linesPerSecond === 0
      ? Stream.mapEffect(batches, (batch) => Effect.as(Effect.yieldNow(), batch))
      : Stream.schedule(batches, Schedule.fixed(`${100_000 / linesPerSecond} millis`))
  return paced.pipe(Stream.flatMap(Stream.fromIterable), Stream.rechunk(100))
}

const program = Effect.gen(function* () {
  const server = yield* Server
  const operations = yield* Operations
  yield* say({ url: server.url, token })

  const run = (count: number, linesPerSecond: number) =>
    Effect.gen(function* () {
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      const began = performance.now()
      const steps = Stream.concat(printing(count, linesPerSecond), Stream.make(Operation.result(1)))
      const { logId } = yield* operations.start({ operation: { kind: "bench", target: {}, steps }, targets: [] })
      const details = yield* Effect.repeat(
        Effect.delay(
          Effect.orElseSucceed(operations.get(logId), () => undefined),
          "50 millis"
        ),
        { until: (found) => found?.ended_at !== undefined }
      )
      delay.disable()
      const ms = (nanoseconds: number) => nanoseconds / 1e6
      yield* say({
        logId,
        lines: details?.lines ?? 0,
        seconds: (performance.now() - began) / 1000,
        p99: ms(delay.percentile(99)),
        longest: ms(delay.max)
      })
    })

  const commands = Stream.fromAsyncIterable(createInterface({ input: process.stdin }), String)
  yield* Stream.runForEach(commands, (command) => {
    const [count, linesPerSecond] = command.split(" ").map(Number)
    return run(count ?? 0, linesPerSecond ?? 0)
  })
})

const server = Server.layerWithDocker({
  host: "127.0.0.1",
  port: 0,
  dataDir,
  insecure: false,
  keepLogs: false,
  publicOrigins: [],
  token: Redacted.make(token),
  ...(history === "kept" ? {} : { history: false as const })
}).pipe(Layer.provide(MemoryEngine.layer({ containers: [] })))

await Effect.runPromise(program.pipe(Effect.provide(server)))
