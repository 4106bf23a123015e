/** Follows a container for a time, and measures what this process and the engine need for it. */
import { Docker, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { cpuSeconds } from "./cpuSeconds.js"

const [endpoint = "", id = "", seconds = "", enginePid = "", start = ""] = process.argv.slice(2)
const layer = Logs.layer.pipe(Layer.provide(Docker.layer({ endpoint })))

/** Until the code is warm, or the engine has deleted a file. */
const warmUp = start === "first" ? "12 seconds" : "4 seconds"

const program = Effect.gen(function* () {
  const logs = yield* Logs
  let lines = 0
  let gaps = 0
  const first = Effect.map(Stream.runHead(logs.read(id)), (line) => JSON.stringify(line))
  const firstAtStart = yield* first
  const fiber = yield* Effect.fork(
    Stream.runForEach(logs.followBatches(id, start === "first" ? {} : { tail: 0 }), (batch) =>
      Effect.sync(() => {
        for (const element of batch) {
          if (element._tag === "LogLine") lines++
          else if (element.mark === "gap") gaps++
        }
      })
    )
  )
  yield* Effect.sleep(warmUp)
  const firstBefore = yield* first
  // What that read has left behind.
  yield* Effect.sleep("300 millis")
  const [before, engine, cpu, began] = [lines, cpuSeconds(Number(enginePid)), process.cpuUsage(), performance.now()]
  yield* Effect.sleep(`${Number(seconds)} seconds`)
  const { system, user } = process.cpuUsage(cpu)
  const result = {
    lines: lines - before,
    gaps,
    client: (system + user) / 1e6,
    engine: cpuSeconds(Number(enginePid)) - engine,
    seconds: (performance.now() - began) / 1000,
    deletionsBefore: firstBefore === firstAtStart ? 0 : 1,
    deletions: (yield* first) === firstAtStart ? 0 : 1
  }
  yield* Fiber.interrupt(fiber)
  return result
})

process.stdout.write(`${JSON.stringify(await Effect.runPromise(Effect.provide(program, layer)))}\n`)
