/**
 * Reads the logs of a project's containers in one way, or follows them for some seconds, and reports what that took. A separate
 * process, so that CPU time and memory are its own.
 */
import { Compose, Docker, Logs, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const [variant = "", endpoint = "", name = "", containers = "", seconds = "0"] = process.argv.slice(2)
const ids = containers.split(",")
const follow = Number(seconds) > 0

const live = Layer.merge(Compose.layer, Logs.layer).pipe(
  Layer.provide([Docker.layer({ endpoint }), RegistryAuth.layer()])
)

let lines = 0
/** Lines that are earlier than the one before them, and by how many milliseconds at most. */
let unordered = 0
let latest = ""
let lateMillis = 0

const take = (batch: ReadonlyArray<{ readonly _tag: "LogLine" | "LogMark"; readonly timestamp: string }>) =>
  Effect.sync(() => {
    for (const { _tag, timestamp } of batch) {
      if (_tag !== "LogLine") continue
      lines++
      if (timestamp >= latest) latest = timestamp
      else {
        unordered++
        lateMillis = Math.max(lateMillis, Date.parse(latest) - Date.parse(timestamp))
      }
    }
  })

const program = Effect.gen(function* () {
  const compose = yield* Compose
  const logs = yield* Logs
  const each = (id: string) =>
    Stream.runForEach(follow ? logs.followBatches(id, { tail: 0 }) : logs.readBatches(id), take)
  const read: Effect.Effect<void, { readonly message: string }> =
    variant === "merged"
      ? Stream.runForEach(compose.logsBatches({ name }, follow ? { follow, tail: 0 } : {}), take)
      : Effect.forEach(ids, each, { concurrency: "unbounded", discard: true })
  const measured = (before: NodeJS.CpuUsage, started: number) => {
    const { system, user } = process.cpuUsage(before)
    return {
      lines,
      unordered,
      lateMillis,
      cpuSeconds: (user + system) / 1e6,
      seconds: (performance.now() - started) / 1000
    }
  }
  if (!follow) {
    const [before, started] = [process.cpuUsage(), performance.now()]
    yield* read
    return measured(before, started)
  }
  const fiber = yield* Effect.fork(read)
  // Until the code is warm.
  yield* Effect.sleep("5 seconds")
  lines = 0
  unordered = 0
  const [before, started] = [process.cpuUsage(), performance.now()]
  yield* Effect.sleep(`${Number(seconds)} seconds`)
  const result = measured(before, started)
  yield* Fiber.interrupt(fiber)
  return result
})

process.stdout.write(`${JSON.stringify(await Effect.runPromise(Effect.provide(program, live)))}\n`)
// Connections that are kept alive would keep the process running.
process.exit(0)
