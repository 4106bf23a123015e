/** Follows a container for a time, and measures what this process needs for it. */
import { Docker, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const [endpoint = "", id = "", seconds = ""] = process.argv.slice(2)
const layer = Logs.layer.pipe(Layer.provide(Docker.layer({ endpoint })))

const program = Effect.gen(function* () {
  const logs = yield* Logs
  let lines = 0
  let gaps = 0
  const fiber = yield* Effect.fork(
    Stream.runForEach(logs.followBatches(id, { tail: 0 }), (batch) =>
      Effect.sync(() => {
        for (const element of batch) {
          if (element._tag === "LogLine") lines++
          else if (element.mark === "gap") gaps++
        }
      })
    )
  )
  // Until the code is warm, and the follow knows the log's files: a file of a megabyte takes seven seconds.
  yield* Effect.sleep("15 seconds")
  const [before, cpu] = [lines, process.cpuUsage()]
  yield* Effect.sleep(`${Number(seconds)} seconds`)
  const { system, user } = process.cpuUsage(cpu)
  const result = { lines: lines - before, gaps, cpuSeconds: (system + user) / 1e6 }
  yield* Fiber.interrupt(fiber)
  return result
})

process.stdout.write(`${JSON.stringify(await Effect.runPromise(Effect.provide(program, layer)))}\n`)
