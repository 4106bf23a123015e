import { Logs, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { clockSkews, inVirtualTime, virtualDuration, virtualStart } from "../virtualTime.js"
import { shown } from "./followed.js"

const web = { name: "web", image: "busybox", command: ["sleep", "100000"] }

describe.each(clockSkews)("with an engine whose clock is %i ms ahead", (clockSkew) => {
  const engine = { clockSkew, containers: [web] }

  it("following until a time reads every line up to it, and ends soon after it", () =>
    inVirtualTime(
      engine,
      Effect.gen(function* () {
        const { writeLine } = yield* MemoryEngine
        const logs = yield* Logs
        const until = new Date(virtualStart + clockSkew + 3_500)
        const reading = yield* Effect.fork(Stream.runCollect(logs.read("web", { follow: true, until })))
        for (const text of ["one", "two", "three"]) {
          yield* TestClock.adjust("1 second")
          yield* writeLine("web", "stdout", text)
        }
        expect(yield* virtualDuration(reading, 5_000)).toBeLessThanOrEqual(2_500)
        expect(Array.from(yield* Fiber.join(reading), ({ text }) => text)).toEqual(["one", "two", "three"])
      })
    ))

  it("a follow that starts with the last line delivers each line once, across breaks and runs", () =>
    inVirtualTime(
      engine,
      Effect.gen(function* () {
        const { cut, exit, writeLine } = yield* MemoryEngine
        const logs = yield* Logs
        yield* writeLine("web", "stdout", "old")
        yield* writeLine("web", "stdout", "last")
        const seen: Array<string> = []
        const following = yield* logs.follow("web", { tail: 1 }).pipe(
          Stream.runForEach((element) => Effect.sync(() => void seen.push(shown(element)))),
          Effect.fork
        )
        for (const text of ["one", "two", "three"]) {
          yield* TestClock.adjust("2 seconds")
          yield* cut
          yield* writeLine("web", "stdout", text)
        }
        yield* TestClock.adjust("2 seconds")
        yield* exit("web", 3)
        yield* TestClock.adjust("2 seconds")
        expect(seen).toEqual(["last", "one", "two", "three", "<stopped 3>"])
        yield* Fiber.interrupt(following)
      })
    ))
})
