import { Containers } from "@dockwire/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { expect } from "vitest"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { describeBothEngines } from "../bothEngines.js"

const spec = (command: ReadonlyArray<string>) => ({
  image: "busybox:latest",
  name: uniqueName("run"),
  labels: testLabels(),
  command
})

const isGone = (name: string) =>
  Effect.map(
    Effect.flip(Effect.flatMap(Containers, (containers) => containers.inspect(name))),
    (error) => error._tag === "ContainerNotFound"
  )

describeBothEngines("a container that is run to its exit", {
  "gives its output by stream, and its exit code": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const both = spec(["sh", "-c", "echo out; echo err >&2; exit 3"])
      expect(yield* containers.run(both)).toEqual({ exitCode: 3, stdout: "out\n", stderr: "err\n" })
      expect(yield* isGone(both.name)).toBe(true)
      expect(yield* containers.run({ ...spec(["echo", "hello"]), tty: true })).toEqual({
        exitCode: 0,
        stdout: "hello\r\n",
        stderr: ""
      })
    }),
  "reads its input to the end": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const text = "0123456789".repeat(20_000)
      const stdin = Stream.fromIterable([text, text])
      expect(yield* containers.run(spec(["cat"]), { stdin })).toEqual({ exitCode: 0, stdout: text + text, stderr: "" })
      const failing = containers.run(spec(["cat"]), { stdin: Stream.fail("no input") })
      expect(yield* Effect.flip(failing)).toBe("no input")
    }),
  "emits its output while it runs, and is removed when the reader has enough": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const endless = spec(["sh", "-c", "echo first; sleep 300"])
      const [took, output] = yield* Effect.timed(Stream.runCollect(Stream.take(containers.runStream(endless), 1)))
      expect(Array.from(output)).toMatchObject([{ _tag: "Output", stream: "stdout" }])
      expect(Duration.toSeconds(took)).toBeLessThan(20)
      expect(yield* isGone(endless.name)).toBe(true)
    }),
  "is removed if the run is interrupted": () =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const sleeping = spec(["sleep", "300"])
      const fiber = yield* Effect.fork(containers.run(sleeping))
      yield* Effect.retry(containers.waitUntil(sleeping.name, "running"), {
        while: ({ _tag }) => _tag === "ContainerNotFound",
        schedule: Schedule.spaced("20 millis")
      })
      yield* Fiber.interrupt(fiber)
      expect(yield* isGone(sleeping.name)).toBe(true)
    })
})
