import { Containers, Docker, type LogPosition, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import {
  type ComposeLogElement,
  type ComposeLogOptions,
  projectLogs
} from "../../../packages/core/src/internal/compose/logs/projectLogs.js"
import { eventually } from "../eventually.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { onTestEngine } from "../bothEngines.js"
import { runWith } from "../runWith.js"
import { inVirtualTime } from "../virtualTime.js"
import { serviceLabels } from "./labelledService.js"
import { withProject } from "./realProject.js"

const service = (name: string, number = 1) => ({
  name: `shop-${name}-${number}`,
  image: "busybox",
  command: ["sleep", "100000"],
  labels: serviceLabels(name, number)
})

const shown = (element: ComposeLogElement): string =>
  `${element.container}: ${element._tag === "LogLine" ? element.text : `-- ${element.mark}`}`

/** Collects what a follow emits. */
const following = (options: ComposeLogOptions = {}, project = "shop") =>
  Effect.gen(function* () {
    const seen: Array<ComposeLogElement> = []
    const logs = projectLogs(yield* Docker, project, { follow: true, ...options })
    const fiber = yield* Effect.fork(
      Stream.runForEach(logs, (elements) => Effect.sync(() => void seen.push(...elements)))
    )
    return { seen, lines: () => seen.filter(({ _tag }) => _tag === "LogLine").map(shown), fiber }
  })

describe("the logs of a project in virtual time", () => {
  it("are merged by time, with those of containers that come later, and continue after an outage", () =>
    inVirtualTime(
      { containers: [service("web"), service("db"), { ...service("other"), labels: {} }] },
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const write = (name: string, text: string) =>
          Effect.zipRight(engine.writeLine(`shop-${name}-1`, "stdout", text), TestClock.adjust("10 millis"))
        yield* write("web", "1")
        yield* write("db", "2")
        yield* write("other", "of no project")
        yield* write("web", "3")
        const { fiber, lines, seen } = yield* following()
        yield* TestClock.adjust("200 millis")
        expect(lines()).toEqual(["shop-web-1: 1", "shop-db-1: 2", "shop-web-1: 3"])
        yield* write("db", "4")
        yield* write("web", "5")
        yield* TestClock.adjust("300 millis")
        expect(lines().slice(3)).toEqual(["shop-db-1: 4", "shop-web-1: 5"])

        const containers = yield* Containers
        const { id } = yield* containers.create(service("late"))
        yield* containers.start(id)
        yield* write("late", "6")
        yield* TestClock.adjust("300 millis")
        expect(lines().slice(5)).toEqual(["shop-late-1: 6"])

        yield* engine.goOffline()
        yield* write("web", "7")
        yield* TestClock.adjust("3 seconds")
        const second = { ...service("web", 2), name: "shop-web-2" }
        yield* engine.heal
        yield* containers.start((yield* containers.create(second)).id)
        yield* engine.writeLine("shop-web-2", "stdout", "8")
        yield* TestClock.adjust("20 seconds")
        expect(lines().slice(6).toSorted()).toEqual(["shop-web-1: 7", "shop-web-2: 8"])
        expect(new Set(seen.map(({ service }) => service))).toEqual(new Set(["web", "db", "late"]))
        yield* Fiber.interrupt(fiber)

        // Everything that comes after the positions, once.
        const positions = new Map<string, LogPosition>()
        for (const { containerId, position } of seen) if (position !== undefined) positions.set(containerId, position)
        yield* write("db", "9")
        const resumed = yield* following({ positions: [...positions.values()].map(String), services: ["db", "web"] })
        yield* TestClock.adjust("3 seconds")
        expect(resumed.lines()).toEqual(["shop-db-1: 9"])
        yield* Fiber.interrupt(resumed.fiber)
      })
    ))

  it("begin with the last lines of each container, and only new lines of those that are started later", () =>
    inVirtualTime(
      { containers: [service("web"), service("db")] },
      Effect.gen(function* () {
        const { writeLine } = yield* MemoryEngine
        for (const text of ["1", "2", "3"]) {
          yield* writeLine("shop-web-1", "stdout", text)
          yield* writeLine("shop-db-1", "stderr", text)
          yield* TestClock.adjust("10 millis")
        }
        const { lines } = yield* following({ tail: 1 })
        yield* TestClock.adjust("3 seconds")
        expect(lines().toSorted()).toEqual(["shop-db-1: 3", "shop-web-1: 3"])
        const onlyNew = yield* following({ tail: 0, services: ["web"] })
        yield* TestClock.adjust("1 second")
        yield* writeLine("shop-web-1", "stdout", "4")
        yield* writeLine("shop-db-1", "stdout", "4")
        yield* TestClock.adjust("1 second")
        expect(onlyNew.lines()).toEqual(["shop-web-1: 4"])
      })
    ))
})

describeEngine("the logs of a project", () => {
  const writing = (count: number, name: string) =>
    `[sh, -c, "i=0; while [ $$i -lt ${count} ]; do i=$$((i+1)); echo ${name} $$i; done; sleep 1000"]`
  const file = (setting: string) => `
services:
  one: { image: busybox, init: true, command: ${writing(300, "one")}, labels: { setting: "${setting}" }, stop_grace_period: 0s }
  two: { image: busybox, init: true, command: ${writing(300, "two")}, stop_grace_period: 0s }
`
  const numbered = (lines: ReadonlyArray<string>, name: string) =>
    lines.filter((line) => line.includes(`${name} `)).map((line) => Number(line.split(" ").at(-1)))
  const upTo300 = Array.from({ length: 300 }, (_, index) => index + 1)

  it("have every line once, in order, and go on when a container is made anew", () =>
    withProject(file("first"), async ({ compose, name, write }) => {
      await compose("up", "--detach")
      const { endpoint } = testEngine()
      const read = async () => {
        const seen: Array<ComposeLogElement> = []
        await onTestEngine(
          Effect.flatMap(Docker, (docker) =>
            Stream.runForEach(projectLogs(docker, name), (elements) => Effect.sync(() => void seen.push(...elements)))
          )
        )
        return seen
      }
      await eventually(async () => (await read()).length).toBe(600)
      const all = await read()
      expect(numbered(all.map(shown), "one")).toEqual(upTo300)
      expect(numbered(all.map(shown), "two")).toEqual(upTo300)
      const times = all.map(({ timestamp }) => timestamp)
      expect(times).toEqual(times.toSorted())

      const abort = new AbortController()
      const seen: Array<ComposeLogElement> = []
      const followed = runWith(
        Docker.layer({ endpoint }),
        Effect.flatMap(Docker, (docker) =>
          Stream.runForEach(projectLogs(docker, name, { follow: true }), (elements) =>
            Effect.sync(() => void seen.push(...elements))
          )
        ),
        abort.signal
      ).catch(() => {})
      const lines = () => seen.filter(({ _tag }) => _tag === "LogLine").map(shown)
      await eventually(() => lines().length).toBe(600)
      expect(lines()).toEqual(all.map(shown))
      await write(file("second"))
      await compose("up", "--detach")
      await eventually(() => lines().length).toBe(900)
      const later = lines().slice(600)
      expect(later).toEqual(upTo300.map((number) => `${name}-one-1: one ${number}`))
      expect(seen.some((element) => element._tag === "LogMark" && element.mark === "removed")).toBe(true)
      abort.abort()
      await followed
    }))
})
