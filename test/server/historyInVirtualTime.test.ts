import { Logs, MemoryEngine, Stats } from "@dockwire/core"
import { EngineMonitor, Followers, Hub, OperationHistory, StatsFollowers, type Wire } from "@dockwire/server"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { Conversation } from "../../packages/server/src/socket/Conversation.js"
import type { EngineServices } from "../core/bothEngines.js"
import { clockSkews, inVirtualTime, virtualStart } from "../core/virtualTime.js"
import { RecordingTransport } from "./recordingTransport.js"
import { isEvent } from "./wireClient.js"

type LogsShape = Effect.Effect.Success<typeof Logs>
type Services =
  | EngineServices
  | MemoryEngine
  | EngineMonitor
  | Followers
  | StatsFollowers
  | Hub
  | LogStore
  | OperationHistory
  | Logs
  | Scope.Scope

interface Options {
  /** How far the engine's clock is ahead, in milliseconds. */
  readonly clockSkew?: number
  /** Replaces what reads the logs. */
  readonly logs?: (logs: LogsShape) => LogsShape
}

/** Runs with an engine in memory that has one container, `web`. Returns what the server logged. */
const run = async (
  { clockSkew = 0, logs = (all) => all }: Options,
  program: Effect.Effect<void, unknown, Services>
) => {
  const logged: Array<string> = []
  const logger = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => void logged.push(String(message)))
  )
  const layer = Layer.merge(
    Followers.layerWith({ linger: "10 seconds" }),
    StatsFollowers.layerWith({ linger: "10 seconds" })
  ).pipe(
    Layer.provideMerge(EngineMonitor.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        Hub.layer,
        LogStore.layerNone("No logs are kept."),
        OperationHistory.layerNone,
        Stats.layer,
        Layer.effect(Logs, Effect.map(Logs, logs))
      )
    ),
    Layer.provideMerge(logger)
  )
  await inVirtualTime(
    { containers: [{ name: "web", image: "busybox", command: ["sleep", "100000"] }], clockSkew },
    Effect.provide(program, layer)
  )
  return logged
}

/** Writes a line each second. */
const write = (...texts: ReadonlyArray<string>) =>
  Effect.flatMap(MemoryEngine, (engine) =>
    Effect.forEach(texts, (text) =>
      Effect.zipRight(engine.writeLine("web", "stdout", text), TestClock.adjust("1 second"))
    )
  )

const numbers = (from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index))

/** Writes 150 lines: 147 at once, and one 10, 11 and 12 seconds later. A room begins with the last 100 lines. */
const writeOld = Effect.gen(function* () {
  const engine = yield* MemoryEngine
  yield* Effect.forEach(numbers(1, 147), (text) => engine.writeLine("web", "stdout", text), { discard: true })
  yield* TestClock.adjust("10 seconds")
  yield* write("148", "149", "150")
})

/** A client of the container's log. */
const viewer = (
  request: Omit<Extract<Wire.ClientMessage, { event: "stream_container_logs" }>["data"], "container_id">
) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const transport = new RecordingTransport(true)
    const conversation = yield* Conversation.make(hub.attach(transport))
    const data = { container_id: "web", ...request }
    yield* Effect.fork(conversation.receive(JSON.stringify({ event: "stream_container_logs", data })))
    yield* TestClock.adjust("1 second")
    return {
      transport,
      gaps: () => transport.messages.filter(isEvent("gap")).map(({ data }) => data.reason),
      joined: () => transport.messages.filter(isEvent("joined"))
    }
  })

/** The engine's time so many seconds after the start, as RFC 3339. */
const engineTime = (clockSkew: number, seconds: number): string =>
  new Date(virtualStart + clockSkew + seconds * 1000).toISOString()

describe("the history of a log", () => {
  it.each(clockSkews)(
    "is read up to the room's ring, by tail and by time, with an engine whose clock is %i ms ahead",
    async (clockSkew) => {
      const logged = await run(
        { clockSkew },
        Effect.gen(function* () {
          yield* writeOld
          const live = yield* viewer({ tail: 0 })
          yield* write("151", "152")
          // Read from the engine.
          const all = yield* viewer({ tail: 1_000 })
          const byTail = yield* viewer({ tail: 120 })
          // Read from the room.
          const byShortTail = yield* viewer({ tail: 4 })
          const byTime = yield* viewer({ since: engineTime(clockSkew, 10.5) })
          const both = yield* viewer({ since: engineTime(clockSkew, 10.5), tail: 3 })
          yield* write("153")
          expect(live.transport.lines).toEqual(numbers(151, 153))
          expect(all.transport.lines).toEqual(numbers(1, 153))
          expect(byTail.transport.lines).toEqual(numbers(33, 153))
          expect(byShortTail.transport.lines).toEqual(numbers(149, 153))
          expect(byTime.transport.lines).toEqual(numbers(149, 153))
          expect(both.transport.lines).toEqual(numbers(150, 153))
          for (const { gaps, joined } of [live, all, byTail, byShortTail, byTime, both]) {
            expect(gaps()).toEqual([])
            expect(joined()).toMatchObject([{ data: { recovered: true } }])
          }
        })
      )
      expect(logged).toEqual([])
    }
  )

  it.each(clockSkews)(
    "of an empty log is empty, by tail and time: each viewer gets each new line once, with a clock %i ms ahead",
    async (clockSkew) => {
      const logged = await run(
        { clockSkew },
        Effect.gen(function* () {
          const past = engineTime(clockSkew, -60)
          const viewers = yield* Effect.forEach(
            [{ tail: 10, since: past }, { tail: 10, since: past }, { tail: 0, since: past }, { since: past }, {}],
            viewer
          )
          // Its room has a position in front of the first line.
          for (const { joined } of viewers) expect(joined()).toMatchObject([{ data: { recovered: true } }])
          yield* write("1", "2")
          for (const { gaps, transport } of viewers) {
            expect(transport.lines).toEqual(["1", "2"])
            expect(gaps()).toEqual([])
          }
          const positions = viewers.map(({ joined }) => joined()[0]?.position ?? "")
          for (const position of positions) {
            const again = yield* viewer({ tail: 10, since: past, position })
            expect(again.transport.lines).toEqual(["1", "2"])
            expect(again.gaps()).toEqual([])
          }
        })
      )
      expect(logged).toEqual([])
    }
  )

  it.each(["before its first line", "after some lines"])(
    "that dies %s is said to be incomplete; the live lines go on",
    async (when) => {
      let isBroken = false
      const logged = await run(
        {
          logs: (logs) => ({
            ...logs,
            followBatches: (id, options) => {
              const batches = logs.followBatches(id, options)
              if (!isBroken) return batches
              const some = when === "after some lines" ? Stream.take(batches, 1) : Stream.empty
              return Stream.concat(
                Stream.map(some, (batch) => batch.slice(0, 2)),
                Stream.die(new Error("broken history"))
              )
            }
          })
        },
        Effect.gen(function* () {
          yield* writeOld
          const live = yield* viewer({ tail: 0 })
          yield* write("151")
          // The room is being followed already.
          isBroken = true
          const late = yield* viewer({ tail: 1_000 })
          isBroken = false
          yield* write("152")
          expect(live.transport.lines).toEqual(["151", "152"])
          expect(live.gaps()).toEqual([])
          const read = when === "after some lines" ? ["1", "2"] : []
          expect(late.transport.lines).toEqual([...read, ...numbers(51, 152)])
          expect(late.gaps()).toEqual([
            "Older log lines can't be read: the server failed to read them. Its log says why."
          ])
          // Another viewer is not concerned.
          const other = yield* viewer({ tail: 1_000 })
          expect(other.transport.lines).toEqual(numbers(1, 152))
          expect(other.gaps()).toEqual([])
        })
      )
      expect(logged).toEqual([expect.stringMatching(/^Reading the history of container \w+ died\.$/)])
    }
  )
})
