import {
  Containers,
  type FollowElement,
  type FollowOptions,
  type LogLine,
  Logs,
  type LogsError,
  type ReadOptions
} from "@dockwire/core"
import { Chunk, Effect, Stream } from "effect"
import { expect } from "vitest"
import type { Bench } from "../bench.js"
import { type Cell, failsWith, type Row, type Rows } from "../cell.js"

const missing = "dockwire-nobody"
const notFound = { containerId: missing, detail: `No such container: ${missing}` }

type Use = "read" | "readBatches" | "follow" | "followBatches"

/** The elements of one of the four methods, one by one. */
const elements = (use: Use, id: string, options: ReadOptions & FollowOptions = {}) =>
  Stream.unwrap(
    Effect.map(Logs, (logs): Stream.Stream<LogLine | FollowElement, LogsError> => {
      switch (use) {
        case "read":
          return logs.read(id, options)
        case "readBatches":
          return Stream.mapConcat(logs.readBatches(id, options), (batch) => batch)
        case "follow":
          return logs.follow(id, options)
        case "followBatches":
          return Stream.mapConcat(logs.followBatches(id, options), (batch) => batch)
      }
    })
  )

const collected = (use: Use, id: string, options?: ReadOptions & FollowOptions) =>
  Effect.map(Stream.runCollect(elements(use, id, options)), Chunk.toReadonlyArray)

const ended = (bench: Bench, script: string, more?: Parameters<Bench["created"]>[1]) =>
  Effect.gen(function* () {
    const made = yield* bench.running(["sh", "-c", script], more)
    yield* (yield* Containers).wait(made.id)
    return made
  })

const reading =
  (use: "read" | "readBatches"): Cell =>
  (bench) =>
    Effect.gen(function* () {
      const isPrecise = bench.expected("the timestamps of log lines", "nanoseconds") === "nanoseconds"
      const last = bench.expected("a last line without a newline", "echo -n three")
      // The engine reads the two outputs separately. Only lines far enough apart in time keep their order.
      const pause = isPrecise ? 0.5 : 1.1
      const { id } = yield* ended(bench, `echo one; sleep ${pause}; echo two >&2; sleep ${pause}; ${String(last)}`)
      const lines = yield* collected(use, id)
      expect(lines).toMatchObject([
        { _tag: "LogLine", containerId: id, stream: "stdout", text: "one" },
        { _tag: "LogLine", containerId: id, stream: "stderr", text: "two" },
        { _tag: "LogLine", containerId: id, stream: "stdout", text: "three" }
      ])
      const times = lines.map((line) => line.timestamp)
      for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
      expect([...times].sort()).toEqual(times)
      const texts = (options: ReadOptions) =>
        Effect.map(collected(use, id, options), (some) => some.map((line) => ("text" in line ? line.text : "")))
      const [first = "", second = "", third = ""] = times
      // Both ends of the range are inclusive. The tail is applied first.
      expect(yield* texts({ since: second })).toEqual(["two", "three"])
      if (isPrecise) {
        expect(yield* texts({ until: second })).toEqual(["one", "two"])
        expect(yield* texts({ since: second, until: second })).toEqual(["two"])
      }
      expect(yield* texts({ tail: 2 })).toEqual(["two", "three"])
      expect(yield* texts({ tail: 0 })).toEqual([])
      expect(yield* texts({ tail: 2, until: first })).toEqual([])
      expect(yield* texts({ tail: 1, since: first })).toEqual(["three"])
      expect(yield* texts({ tail: 2, streams: ["stderr"] })).toEqual(["two"])
      expect(yield* texts({ streams: ["stdout"], since: third })).toEqual(["three"])
      // A follow of a container that does not run ends with the log.
      expect(yield* texts({ follow: true })).toEqual(["one", "two", "three"])
      const terminal = yield* ended(bench, "echo out; echo err >&2", { tty: true })
      expect(yield* collected(use, terminal.id)).toMatchObject([
        { stream: "stdout", text: "out" },
        { stream: "stdout", text: "err" }
      ])
      // Four files of 28 lines are written, two are kept.
      const log = { driver: "json-file", options: { "max-size": "2k", "max-file": "2" } }
      if (bench.expected("log rotation", "docker's") !== "docker's") return
      const rotated = yield* ended(bench, "seq 1 100", { log })
      const left = (yield* collected(use, rotated.id)).map((line) => ("text" in line ? line.text : ""))
      expect(left).toEqual(Array.from({ length: 44 }, (_, index) => String(57 + index)))
      const unstartable = { driver: "json-file", options: { "max-size": "much" } }
      const { id: never } = yield* bench.created(["true"], { log: unstartable })
      yield* failsWith(
        Effect.flatMap(Containers, (containers) => containers.start(never)),
        "EngineError",
        {
          status: 500,
          detail: "failed to create task for container: failed to initialize logging driver: invalid size: 'much'"
        }
      )
    })

const live =
  (use: "follow" | "followBatches"): Cell =>
  (bench) =>
    Effect.gen(function* () {
      const { id } = yield* bench.created(["sh", "-c", "echo one; exit 3"])
      const containers = yield* Containers
      const seen: Array<string> = []
      yield* Effect.fork(containers.start(id))
      yield* elements(use, id).pipe(
        Stream.runForEach((element) => {
          seen.push(element._tag === "LogLine" ? element.text : element.mark)
          if (element._tag !== "LogMark" || element.mark !== "stopped") return Effect.void
          expect(element).toMatchObject({ exitCode: 3 })
          const runs = seen.filter((word) => word === "stopped").length
          return runs === 1 ? containers.start(id) : containers.remove(id)
        })
      )
      // The follow or the run may have begun first.
      expect(seen.slice(seen.indexOf("one"))).toEqual(["one", "stopped", "started", "one", "stopped", "removed"])
    })

const unreadable =
  (use: Use): Cell =>
  (bench) =>
    Effect.gen(function* () {
      const { id } = yield* ended(bench, "echo one", { log: { driver: "none" } })
      yield* failsWith(collected(use, id), "LogsUnreadable", {
        containerId: id,
        detail: "configured logging driver does not support reading"
      })
    })

const badInput =
  (use: Use, options: ReadonlyArray<readonly [string, ReadOptions]>): Cell =>
  (bench) =>
    Effect.gen(function* () {
      const { id } = yield* bench.created(["true"])
      for (const [field, asked] of options) yield* failsWith(collected(use, id, asked), "InvalidRequest", { field })
      yield* failsWith(collected(use, "a b"), "ContainerNotFound", { containerId: "a b" })
    })

const lost =
  (use: "read" | "readBatches"): Cell =>
  (bench) =>
    Effect.gen(function* () {
      const { id } = yield* bench.running(["sh", "-c", "echo one; sleep 300"])
      const attempt = Stream.runForEach(elements(use, id, { follow: true }), () => bench.gone)
      yield* failsWith(attempt, "EngineUnavailable", { reason: "Lost" })
    })

const row = (use: Use, cells: Pick<Row, "success" | "bad input"> & Partial<Row>): Row => ({
  call: () => collected(use, missing),
  missing: () => failsWith(collected(use, missing), "ContainerNotFound", notFound),
  conflict: unreadable(use),
  ...cells
})

const wrong: ReadonlyArray<readonly [string, ReadOptions]> = [
  ["tail", { tail: -1 }],
  ["streams", { streams: [] }],
  ["since", { since: "yesterday" }]
]

/** The cells of `Logs`. Their conflict is a logging driver that can't be read. A container's state never conflicts. */
export const logRows: Rows = {
  read: row("read", {
    success: reading("read"),
    "bad input": badInput("read", [...wrong, ["until", { until: "tomorrow" }]]),
    "engine gone": lost("read")
  }),
  readBatches: row("readBatches", {
    success: reading("readBatches"),
    "bad input": badInput("readBatches", [...wrong, ["until", { until: "tomorrow" }]]),
    "engine gone": lost("readBatches")
  }),
  follow: row("follow", { success: live("follow"), "bad input": badInput("follow", wrong) }),
  followBatches: row("followBatches", { success: live("followBatches"), "bad input": badInput("followBatches", wrong) })
}
