import { Containers, Docker, type DockerShape, Logs, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { clockSkews, inVirtualTime } from "../virtualTime.js"
import { shown } from "./followed.js"

const web = { name: "web", image: "busybox", command: ["sleep", "100000"] }

/** Follows the container's log in the background; the elements, each as `shown`. */
const following = (logs: Effect.Effect.Success<typeof Logs>) =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    const fiber = yield* logs.follow("web", { tail: 0 }).pipe(
      Stream.runForEach((element) => Effect.sync(() => void seen.push(shown(element)))),
      Effect.fork
    )
    yield* TestClock.adjust("100 millis")
    return { fiber, seen }
  })

/** The logs of an engine whose first answers die: with `stream` the bodies, with `json` the requests. */
const dying = (kind: "json" | "stream", times: number) =>
  Effect.map(Docker, (docker) => {
    let remaining = times
    const dies = (path: string, suffix: string) => path.endsWith(suffix) && remaining-- > 0
    const broken = Effect.die(new Error("broken door"))
    const door: DockerShape = {
      endpoint: docker.endpoint,
      hijack: docker.hijack,
      json: (request) =>
        Effect.suspend(() => (kind === "json" && dies(request.path, "/json") ? broken : docker.json(request))),
      stream: (request) =>
        Effect.map(docker.stream(request), (response) =>
          kind === "stream" && dies(request.path, "/logs") ? { ...response, body: Stream.fromEffect(broken) } : response
        )
    }
    return door
  })

describe("a follow", () => {
  it("survives a body that dies, says so and logs it", () => {
    const logged: Array<string> = []
    return inVirtualTime(
      { containers: [web] },
      Effect.gen(function* () {
        const { writeLine } = yield* MemoryEngine
        const door = yield* dying("stream", 2)
        const logs = yield* Logs.pipe(Effect.provide(Logs.layer), Effect.provideService(Docker, door))
        const { fiber, seen } = yield* following(logs)
        yield* writeLine("web", "stdout", "one")
        yield* TestClock.adjust("5 seconds")
        expect(seen).toEqual(["<engine_error following the log died: Error: broken door>", "one"])
        // The same defect twice is logged once.
        expect(logged).toEqual(["Following a log died. It continues."])
        yield* Fiber.interrupt(fiber)
      }).pipe(
        Effect.provide(
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => void logged.push(String(message)))
          )
        )
      )
    )
  })

  it.each(clockSkews)("puts marks between runs, with an engine whose clock is %i ms ahead", (clockSkew) =>
    inVirtualTime(
      { clockSkew, containers: [web] },
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const containers = yield* Containers
        const { fiber, seen } = yield* following(yield* Logs)
        yield* engine.writeLine("web", "stdout", "one")
        yield* TestClock.adjust("1 second")
        yield* engine.exit("web", 3)
        yield* TestClock.adjust("1 second")
        yield* containers.start("web")
        yield* engine.writeLine("web", "stderr", "two")
        yield* TestClock.adjust("1 second")
        yield* engine.goOffline()
        yield* TestClock.adjust("10 seconds")
        yield* engine.writeLine("web", "stdout", "three")
        yield* engine.exit("web", 0)
        yield* engine.heal
        yield* containers.start("web")
        yield* engine.writeLine("web", "stdout", "four")
        yield* TestClock.adjust("5 seconds")
        yield* containers.remove("web", { force: true })
        yield* TestClock.adjust("5 seconds")
        expect(seen).toEqual([
          "one",
          "<stopped 3>",
          "<started>",
          "! two",
          "three",
          "<stopped 0>",
          "<started>",
          "four",
          "<stopped 137>",
          "<removed>"
        ])
        yield* Fiber.join(fiber)
      })
    )
  )
})
