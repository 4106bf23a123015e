import { Docker, type DockerShape, EngineUnavailable, Events, MemoryEngine, WatchElement } from "@dockwire/core"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { type EngineForwarder, startEngineForwarder } from "../../engine/engineForwarder.js"
import { engineCall } from "../../engine/engineRequest.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer, startTestContainer, uniqueName } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { inVirtualTime } from "../virtualTime.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"

const layerOf = (endpoint: string) => Events.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))

/** A watch that runs in the background of a test. It has subscribed. */
const watching = async (
  engine: string,
  via: (endpoint: string) => Promise<string> = (endpoint) => Promise.resolve(endpoint)
) => {
  const proxy = await startCuttingProxy(engine)
  onTestFinished(proxy.close)
  const endpoint = await via(proxy.endpoint)
  const elements: Array<WatchElement> = []
  const abort = new AbortController()
  const program = Effect.flatMap(Events, (events) =>
    Stream.runForEach(events.watch(), (element) => Effect.sync(() => void elements.push(element)))
  )
  const ended = runWith(layerOf(endpoint), program, abort.signal).catch(() => {})
  // It lists everything after it has subscribed, networks last.
  await eventually(() => proxy.requests.includes("GET /networks")).toBe(true)
  return {
    elements,
    until: async (holds: (elements: ReadonlyArray<WatchElement>) => boolean) => {
      for (const end = Date.now() + 20_000; !holds(elements); await sleep(20)) {
        if (Date.now() > end)
          throw new Error(
            `The watch is stuck; its last elements: ${JSON.stringify(elements.slice(-5).map(({ _tag }) => _tag))}`
          )
      }
    },
    stop: async () => {
      abort.abort()
      await ended
    }
  }
}

describeEngine("a watch of an engine", () => {
  it("emits events by the kind of object", async () => {
    const { endpoint } = testEngine()
    const watch = await watching(endpoint)
    onTestFinished(watch.stop)
    const name = uniqueName("watch")
    const container = await createTestContainer({ endpoint, cmd: ["true"], name })
    onTestFinished(container.remove)
    await container.start()
    await engineCall(endpoint, "POST", "/volumes/create", { Name: name })
    await engineCall(endpoint, "DELETE", `/volumes/${name}`)
    const network = await engineCall(endpoint, "POST", "/networks/create", { Name: name })
    await engineCall(endpoint, "DELETE", `/networks/${name}`)
    await engineCall(endpoint, "POST", `/images/busybox/tag?repo=${name}&tag=one`)
    await engineCall(endpoint, "DELETE", `/images/${name}:one`)
    await watch.until((elements) => elements.some((it) => it._tag === "ImageEvent" && it.action === "untag"))
    await watch.until((elements) =>
      elements.some((it) => it._tag === "ContainerEvent" && it.action === "die" && it.name === name)
    )
    expect(watch.elements).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ _tag: "ContainerEvent", action: "create", containerId: container.id, name }),
        expect.objectContaining({ _tag: "ContainerEvent", action: "start", image: "busybox:latest" }),
        expect.objectContaining({ _tag: "VolumeEvent", action: "create", volume: name }),
        expect.objectContaining({ _tag: "VolumeEvent", action: "destroy", volume: name }),
        expect.objectContaining({ _tag: "NetworkEvent", action: "create", name }),
        expect.objectContaining({ _tag: "ImageEvent", action: "tag", image: `${name}:one` })
      ])
    )
    expect(network.status).toBe(201)
  })

  it("stops at once when it is interrupted, and fails if it can't begin", async () => {
    const { endpoint } = testEngine()
    const watch = (begun: Effect.Effect<void>) =>
      Effect.flatMap(Events, (events) => Stream.runForEach(events.watch({ snapshot: true }), () => begun))
    expect(await interruptionTime(layerOf(endpoint), watch)).toBeLessThan(1_000)
    const drain = Effect.flatMap(Events, (events) => Stream.runDrain(events.watch()))
    expect(await failureWith(layerOf("unix:///nowhere/docker.sock"), drain)).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "NotFound"
    })
    const none = Effect.flatMap(Events, (events) => Stream.runDrain(events.watch({ types: [] })))
    expect(await failureWith(layerOf(endpoint), none)).toMatchObject({ _tag: "InvalidRequest", field: "types" })
  })
})

describeKillableEngine("a watch of an engine that dies", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "watch", liveRestore: true })
  })
  afterAll(() => engine?.dispose())

  it("continues, and reports the outage once", async () => {
    const { endpoint } = engine
    const watch = await watching(endpoint)
    onTestFinished(watch.stop)
    const known = await startTestContainer({ endpoint, cmd: ["sleep", "1000"], name: "known" })
    await engineCall(endpoint, "POST", "/volumes/create", { Name: "kept" })
    await watch.until((elements) => elements.some((it) => it._tag === "VolumeEvent" && it.volume === "kept"))

    await engine.kill()
    await watch.until((elements) => elements.some((it) => it._tag === "Disconnected"))
    await engine.start()
    await watch.until((elements) => elements.some((it) => it._tag === "Resynced"))
    const first = watch.elements.find((it) => it._tag === "Resynced")
    expect(first).toEqual({ _tag: "Resynced", changes: [] })
    expect(watch.elements.filter((it) => it._tag === "Disconnected")).toHaveLength(1)
    expect(watch.elements.find((it) => it._tag === "Disconnected")).toMatchObject({
      error: { _tag: "EngineUnavailable", reason: "Lost" }
    })

    // Events follow after the outage.
    await engineCall(endpoint, "DELETE", `/containers/${known.id}?force=1`)
    await watch.until((elements) => elements.some((it) => it._tag === "ContainerEvent" && it.action === "destroy"))
  })

  it("reports what was removed, added, restarted and changed during an outage", async () => {
    const { endpoint } = engine
    // A forwarder in front of the engine, closed while things change.
    const names = ["will-go", "stops", "restarts", "is-renamed"] as const
    for (const name of names) await startTestContainer({ endpoint, cmd: ["sleep", "1000"], name })
    const doors: Array<EngineForwarder> = []
    const watch = await watching(endpoint, async (proxy) => {
      const door = await startEngineForwarder(proxy)
      doors.push(door)
      return `tcp://127.0.0.1:${door.port}`
    })
    onTestFinished(watch.stop)
    // The watch knows its new name by an event only.
    await engineCall(endpoint, "POST", "/containers/will-go/rename?name=goes")
    // Known to the watch by its events only.
    await startTestContainer({ endpoint, cmd: ["sleep", "1000"], name: "restarts-too" })
    await startTestContainer({ endpoint, cmd: ["sleep", "1000"], name: "stays" })
    await watch.until((elements) =>
      elements.some((it) => it._tag === "ContainerEvent" && it.action === "start" && it.name === "stays")
    )
    const [door] = doors
    await door?.stop()
    await watch.until((elements) => elements.some((it) => it._tag === "Disconnected"))

    await engineCall(endpoint, "DELETE", "/containers/goes?force=1")
    await engineCall(endpoint, "POST", "/containers/stops/kill")
    await engineCall(endpoint, "POST", "/containers/stops/wait")
    await engineCall(endpoint, "POST", "/containers/restarts/restart?t=0")
    await engineCall(endpoint, "POST", "/containers/restarts-too/restart?t=0")
    await engineCall(endpoint, "POST", "/containers/is-renamed/rename?name=has-been-renamed")
    await startTestContainer({ endpoint, cmd: ["sleep", "1000"], name: "comes" })
    await engineCall(endpoint, "POST", "/volumes/create", { Name: "new-volume" })
    await engineCall(endpoint, "POST", "/networks/create", { Name: "new-network" })
    await engineCall(endpoint, "POST", "/images/busybox/tag?repo=new-name&tag=one")
    const again = await startEngineForwarder(endpoint, door === undefined ? {} : { port: door.port })
    onTestFinished(again.stop)
    await watch.until((elements) => elements.some((it) => it._tag === "Resynced"))
    const resynced = watch.elements.find((it) => it._tag === "Resynced")
    const changes =
      resynced?._tag === "Resynced"
        ? resynced.changes.map((change) => Object.fromEntries(Object.entries(change).filter(([key]) => key !== "id")))
        : []
    expect(changes).toHaveLength(9)
    expect(changes).toEqual(
      expect.arrayContaining([
        { type: "container", name: "goes", change: "removed", before: "running" },
        { type: "container", name: "stops", change: "changed", before: "running", after: "exited", state: "exited" },
        {
          type: "container",
          name: "restarts",
          change: "changed",
          before: "running",
          after: "running",
          state: "running",
          restarted: true
        },
        {
          type: "container",
          name: "restarts-too",
          change: "changed",
          before: "running",
          after: "running",
          state: "running",
          restarted: true
        },
        {
          type: "container",
          name: "has-been-renamed",
          change: "changed",
          before: "running",
          after: "running",
          state: "running"
        },
        { type: "container", name: "comes", change: "added", after: "running", state: "running" },
        { type: "volume", name: "new-volume", change: "added" },
        { type: "network", name: "new-network", change: "added" },
        { type: "image", name: "busybox:latest,new-name:one", change: "changed" }
      ])
    )
  })
})

describe("a watch with a snapshot", () => {
  it("begins with every object, and reports an engine that is away each time its error changes", async () => {
    const program = Effect.gen(function* () {
      const engine = yield* MemoryEngine
      yield* engine.refuse({ path: "/containers/json" }, 500, "starting")
      const seen: Array<WatchElement> = []
      const events = yield* Events
      const watch = yield* events.watch({ types: ["container", "volume"], snapshot: true }).pipe(
        Stream.runForEach((element) => Effect.sync(() => void seen.push(element))),
        Effect.fork
      )
      // Several attempts fail with the same error.
      yield* TestClock.adjust("2 seconds")
      yield* engine.heal
      yield* engine.refuse({ path: "/containers/json" }, 500, "still starting")
      yield* TestClock.adjust("10 seconds")
      yield* engine.heal
      yield* TestClock.adjust("10 seconds")
      yield* engine.exit("web", 0)
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(watch)
      return seen
    })
    const engine = {
      containers: [
        { name: "web", image: "busybox", command: ["sleep", "1000"] },
        { name: "idle", image: "busybox", started: false }
      ],
      volumes: [{ name: "data" }]
    }
    const seen = await inVirtualTime(engine, program)
    expect(seen.slice(0, 2)).toMatchObject([
      { _tag: "Disconnected", error: { _tag: "EngineError", detail: "starting" } },
      { _tag: "Disconnected", error: { _tag: "EngineError", detail: "still starting" } }
    ])
    expect(seen[2]).toEqual({
      _tag: "Resynced",
      changes: [
        {
          type: "container",
          id: expect.any(String),
          name: "idle",
          change: "added",
          after: "created",
          state: "created"
        },
        { type: "container", id: expect.any(String), name: "web", change: "added", after: "running", state: "running" },
        { type: "volume", id: "data", name: "data", change: "added" }
      ]
    })
    expect(seen[3]).toMatchObject({ _tag: "ContainerEvent", name: "web" })
    const schema = Schema.Array(WatchElement)
    expect(Schema.decodeSync(schema)(JSON.parse(JSON.stringify(Schema.encodeSync(schema)(seen))))).toEqual(seen)
  })

  it("notices a connection that is dead but was never closed", async () => {
    const program = Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const dead = new EngineUnavailable({ endpoint: "unix:///test", reason: "TimedOut", detail: "no answer" })
      const docker: DockerShape = {
        endpoint: "unix:///test",
        json: ({ path }) =>
          path === "/_ping"
            ? Effect.zipRight(Deferred.succeed(asked, undefined), Effect.fail(dead))
            : Effect.succeed({ status: 200, body: [] }),
        stream: () => Effect.succeed({ status: 200, contentType: "application/json", body: Stream.never }),
        hijack: () => Effect.fail(dead)
      }
      const first = yield* Effect.flatMap(Events, (events) =>
        Stream.runHead(events.watch({ types: ["container"] }))
      ).pipe(Effect.provide(Layer.provide(Events.layer, Layer.succeed(Docker, docker))), Effect.fork)
      yield* TestClock.adjust("9 seconds")
      expect(yield* Deferred.isDone(asked)).toBe(false)
      yield* TestClock.adjust("1 second")
      return yield* Fiber.join(first)
    }).pipe(Effect.provide(TestContext.TestContext))
    expect(await Effect.runPromise(program)).toMatchObject({
      value: { _tag: "Disconnected", error: { reason: "TimedOut", detail: "no answer" } }
    })
  })
})
