import { Containers, Events, Logs, MemoryEngine, Stats } from "@dockwire/core"
import { EngineMonitor, Followers, Hub, OperationHistory, StatsFollowers, type Wire } from "@dockwire/server"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import { connect } from "@dockwire/server/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { Conversation } from "../../packages/server/src/socket/Conversation.js"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { engineCall } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { startInProcess } from "./inProcessServer.js"
import { RecordingTransport } from "./recordingTransport.js"
import { connectWire, isEvent, poll } from "./wireClient.js"

const isStats = isEvent("container_stats")

const statuses = (messages: ReadonlyArray<Wire.ServerMessage>) =>
  messages.filter(isStats).map(({ data }) => data.stats.status)

/** Without repetitions. */
const changes = (all: ReadonlyArray<string>) => all.filter((each, index) => each !== all[index - 1])

describeEngine("the stats of a container over the WebSocket", () => {
  it("come from one stream of the engine, at each viewer's interval, over all runs until the container is removed", async () => {
    const { endpoint } = testEngine()
    const proxy = await startCuttingProxy(endpoint)
    const container = await startTestContainer({ endpoint, cmd: ["sh", "-c", "while true; do :; done"] })
    const server = await startInProcess({ endpoint: proxy.endpoint, linger: 0 })
    const often = await connectWire(server.url, { token: server.token })
    const joined = await connectWire(server.url, { token: server.token })
    const client = connect(server.url, { token: server.token })
    const streams = () => proxy.requests.filter((request) => request.includes("/stats?")).length
    try {
      const received: Array<Wire.ContainerStatsMessage["data"]> = []
      client.on("container_stats", (data) => received.push(data))
      client.emit("stream_container_stats", { container_id: container.name, interval: 60_000 })
      const room = `container_stats_${container.id}`
      often.send({ event: "stream_container_stats", data: { container_id: container.id.slice(0, 12), interval: 100 } })
      joined.send({ event: "join", data: { room } })
      const { data, room: canonical } = await often.waitFor(isEvent("joined"))
      expect([canonical, data.room]).toEqual([room, `container_stats_${container.id.slice(0, 12)}`])
      await often.until(() => statuses(often.messages).length >= 4)
      const readings = often.messages.filter(isStats)
      for (const { data } of readings) {
        expect(data).toMatchObject({ container_id: container.id, stats: { status: "running", name: container.name } })
        if (data.stats.status !== "running") continue
        expect(data.stats.memory_usage).toBeGreaterThan(0)
        expect(data.stats.pids).toBeGreaterThanOrEqual(1)
      }
      expect(
        Math.max(...readings.map(({ data: { stats } }) => (stats.status === "running" ? stats.cpu_percent : 0)))
      ).toBeGreaterThan(1)
      expect(statuses(joined.messages).length).toBeLessThan(readings.length)
      expect(received).toMatchObject([{ container_id: container.name, stats: { status: "running" } }])
      expect(streams()).toBe(1)

      const before = statuses(often.messages).length
      proxy.cutAll()
      await often.until(() => statuses(often.messages).length >= before + 2)
      await engineCall(endpoint, "POST", `/containers/${container.id}/kill`)
      await joined.until(() => statuses(joined.messages).at(-1) === "stopped")
      await engineCall(endpoint, "POST", `/containers/${container.id}/start`)
      await often.until(() => statuses(often.messages).at(-1) === "running")
      await container.remove()
      const left = await joined.waitFor(isEvent("left"))
      expect(left.data).toEqual({ room })
      await poll("the client heard it", () => received.at(-1)?.stats.status === "removed")
      const seen = changes(statuses(often.messages))
      expect(seen.slice(0, 3)).toEqual(["running", "stopped", "running"])
      // Whether it is seen to have stopped depends on how quickly the engine removes it then.
      expect(["stopped removed", "removed"]).toContain(seen.slice(3).join(" "))
    } finally {
      client.disconnect()
      await often.cut()
      await joined.cut()
      await server.stop()
      await container.remove()
      await proxy.close()
    }
  }, 90_000)
})

it("is followed while somebody watches, and a moment longer; over an outage of the engine; each one told what is wrong", () =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const engine = yield* MemoryEngine
    const { following } = yield* StatsFollowers
    const streams = Effect.map(engine.requests, (all) => all.filter(({ path }) => path.endsWith("/stats")).length)
    const until = (holds: () => boolean) => Effect.promise(() => poll(holds.toString(), holds))
    const join = () =>
      Effect.gen(function* () {
        const transport = new RecordingTransport(true)
        const conversation = yield* Conversation.make(hub.attach(transport))
        const send = (event: string, data: unknown) => conversation.receive(JSON.stringify({ event, data }))
        return { transport, send, statuses: () => statuses(transport.messages) }
      })
    const first = yield* join()
    const second = yield* join()
    for (const { send } of [first, second]) yield* send("stream_container_stats", { container_id: "web" })
    yield* until(() => first.statuses().length > 0 && second.statuses().length > 0)
    expect(yield* streams).toBe(1)
    yield* first.send("stop_container_stats", { container_id: "web" })
    yield* second.send("leave", { room: "container_stats_web" })
    yield* until(
      () => first.transport.messages.some(isEvent("left")) && second.transport.messages.some(isEvent("left"))
    )
    expect(following()).toHaveLength(1)
    const third = yield* join()
    yield* third.send("join", { room: "container_stats_web" })
    yield* until(() => third.statuses().length > 0)
    expect(yield* streams).toBe(1)

    yield* engine.goOffline()
    const seen = third.statuses().length
    yield* engine.heal
    yield* until(() => third.statuses().length > seen)
    yield* third.send("leave", { room: "container_stats_web" })
    yield* until(() => following().length === 0)
    const got = third.statuses().length
    yield* third.send("stream_container_stats", { container_id: "web", interval: 100 })
    yield* until(() => third.statuses().length > got)
    yield* third.send("stream_container_stats", { container_id: "nobody" })
    yield* until(() => third.transport.messages.some(isEvent("error")))
    expect(third.transport.messages.find(isEvent("error"))?.data).toMatchObject({
      code: "container_not_found",
      about: "nobody"
    })
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.merge(Followers.layer, StatsFollowers.layerWith({ linger: 300 })).pipe(
        Layer.provideMerge(EngineMonitor.layer),
        Layer.provideMerge(
          Layer.mergeAll(
            Containers.layer,
            Events.layer,
            Logs.layer,
            Stats.layer,
            Hub.layer,
            OperationHistory.layerNone,
            LogStore.layerNone("No logs are kept.")
          )
        ),
        Layer.provideMerge(
          MemoryEngine.layer({ containers: [{ name: "web", image: "busybox", command: ["sleep", "1000"] }] })
        )
      )
    ),
    Effect.runPromise
  ))
