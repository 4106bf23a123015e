import { Docker, Logs, MemoryEngine } from "@dockwire/core"
import { Hub } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { expect, it } from "vitest"
import { ContainerFollower } from "../../packages/server/src/engine/ContainerFollower.js"
import { inVirtualTime } from "../core/virtualTime.js"
import { RecordingTransport } from "./recordingTransport.js"

it("a follower whose follow dies logs that and continues after the last line of its room", () => {
  const logged: Array<string> = []
  return inVirtualTime(
    { containers: [{ name: "web", image: "busybox", command: ["sleep", "100000"] }] },
    Effect.gen(function* () {
      const { writeLine } = yield* MemoryEngine
      const logs = yield* Logs
      const hub = yield* Hub
      const { body } = yield* (yield* Docker).json({ method: "GET", path: "/containers/web/json" })
      const containerId = typeof body === "object" && body !== null && "Id" in body ? String(body.Id) : ""
      let follows = 0
      const follower = new ContainerFollower({
        hub,
        // Each of the first two follows dies after a line.
        logs: {
          ...logs,
          followBatches: (id, options) => {
            const batches = logs.followBatches(id, options)
            return follows++ < 2 ? Stream.concat(Stream.take(batches, 1), Stream.die(new Error("broken"))) : batches
          }
        },
        whenAvailable: Effect.void,
        containerId,
        tail: 100,
        position: undefined
      })
      hub.claim(follower.room)
      const viewer = hub.attach(new RecordingTransport(true))
      const running = yield* Effect.fork(follower.run())
      for (const text of ["one", "two", "three", "four"]) {
        yield* writeLine("web", "stdout", text)
        yield* TestClock.adjust("1 second")
      }
      expect(follows).toBe(3)
      const ring = hub.ring(follower.room)
      const lines = Array.from({ length: ring.seq }, (_, index) => ring.at(index + 1)?.json ?? "")
      expect(lines.map((json) => JSON.parse(json)[2])).toEqual(["one", "two", "three", "four"])
      // The same defect twice is logged once.
      expect(logged).toEqual(["Following a container for its room died. It continues."])
      yield* Fiber.interrupt(running)
      viewer.close(1000, "")
    }).pipe(
      Effect.provide(Hub.layer),
      Effect.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.make(({ message }) => void logged.push(String(message)))
        )
      )
    )
  )
})
