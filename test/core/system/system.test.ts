import { Docker, Host, System } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { once } from "node:events"
import { createServer as createHttpServer } from "node:http"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { engineCall, engineRequest } from "../../engine/engineRequest.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { inTurn } from "../../conformance/cell.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer, startTestContainer } from "../../engine/testContainer.js"
import { failureWith, runWith } from "../runWith.js"
import { eventually } from "../eventually.js"

const layerOf = (endpoint: string) => System.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))
const methods = ["ping", "version", "info", "diskUsage", "prune"] as const
const call = (method: (typeof methods)[number]) =>
  Effect.flatMap(System, (system): Effect.Effect<unknown, unknown> => system[method]())

describeEngine("an engine", () => {
  const layer = () => layerOf(testEngine().endpoint)

  it("reports its version and configuration", async () => {
    const { endpoint, version } = testEngine()
    const { info, ping, said } = await runWith(
      layer(),
      Effect.flatMap(System, (system) =>
        Effect.all({ info: system.info(), ping: system.ping(), said: system.version() })
      )
    )
    expect(ping).toMatchObject({ apiVersion: said.apiVersion, osType: "linux", experimental: false })
    expect(said).toMatchObject({ version, os: "linux", raw: { Version: version } })
    expect(said.components.map(({ name }) => name)).toContain("Engine")
    expect(info).toMatchObject({ serverVersion: version, osType: "linux" })
    expect(info.memory).toBeGreaterThan(0)
    const raw = (await engineCall(endpoint, "GET", "/info")).json
    expect(Object.keys(info.raw).toSorted()).toEqual(Object.keys(Object(raw)).toSorted())
  })

  it("rejects an unknown filter", async () => {
    for (const options of [{ filters: { nonsense: ["x"] } }, { volumes: true, filters: { until: ["1h"] } }]) {
      const prune = Effect.flatMap(System, (system) => system.prune(options))
      // Another test may be pruning at the same time.
      expect(await failureWith(layer(), inTurn(prune))).toMatchObject({ _tag: "InvalidRequest", field: "filters" })
    }
  })

  it("is unavailable if it does not exist", async () => {
    for (const method of methods) {
      expect(await failureWith(layerOf("unix:///nowhere/docker.sock"), call(method))).toMatchObject({
        _tag: "EngineUnavailable",
        reason: "NotFound"
      })
    }
  })
})

describeKillableEngine("a private engine", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "system" })
  })
  afterAll(() => engine?.dispose())

  it("reports its disk usage, which a prune reduces", async () => {
    const { endpoint } = engine
    const running = await startTestContainer({
      endpoint,
      cmd: ["sh", "-c", "head -c 100000 /dev/zero > /x; sleep 1000"]
    })
    const stopped = await createTestContainer({ endpoint, cmd: ["true"] })
    await engineCall(endpoint, "POST", "/networks/create", { Name: "idle" })
    const volume = await engineCall(endpoint, "POST", "/volumes/create", {})
    await engineCall(endpoint, "POST", "/images/busybox/tag?repo=other&tag=one")
    await engineCall(endpoint, "POST", `/commit?container=${stopped.id}&repo=unused&tag=one`)
    const usage = () =>
      runWith(
        layerOf(endpoint),
        Effect.flatMap(System, (system) => system.diskUsage())
      )
    await eventually(async () => (await usage()).containers.size).toBeGreaterThanOrEqual(100_000)
    const before = await usage()
    expect(before).toMatchObject({
      containers: { count: 2, active: 1 },
      images: { count: 2, active: 1 },
      volumes: { count: 1, active: 0 }
    })
    expect(before.containers.size).toBeGreaterThanOrEqual(100_000)
    expect(before.images.size).toBeGreaterThan(500_000)

    const prune = (options = {}) =>
      runWith(
        layerOf(endpoint),
        Effect.flatMap(System, (system) => system.prune(options))
      )
    expect(await prune({ filters: { label: ["nobody.has.this"] } })).toEqual({
      containers: [],
      networks: [],
      images: [],
      volumes: [],
      buildCache: [],
      spaceReclaimed: 0
    })
    const some = await prune()
    expect(some).toMatchObject({ containers: [stopped.id], networks: ["idle"], images: [], volumes: [] })
    const all = await prune({ allImages: true, volumes: true })
    expect(all).toMatchObject({ containers: [], networks: [] })
    expect(all.images).toContain("unused:one")
    expect(all.volumes).toEqual([Object(volume.json).Name])
    expect(await usage()).toMatchObject({
      containers: { count: 1, active: 1 },
      images: { count: 1 },
      volumes: { count: 0, size: 0, reclaimable: 0 }
    })
    expect((await engineRequest(endpoint, "GET", `/containers/${running.id}/json`)).status).toBe(200)
  })

  it("is reported as unavailable when it is killed", async () => {
    await engine.kill()
    const found = await runWith(
      Host.layer.pipe(Layer.provide(Docker.layer({ endpoint: engine.endpoint }))),
      Effect.flatMap(Host, (host) => host.isInstalled())
    )
    expect(found.engine).toMatchObject({ _tag: "Unavailable", error: { reason: "Refused" } })
    for (const method of methods) {
      expect(await failureWith(layerOf(engine.endpoint), call(method))).toMatchObject({ reason: "Refused" })
    }
    await engine.start()
  })
})

describe("the disk usage of an engine", () => {
  const nothing = { count: 0, active: 0, size: 0, reclaimable: 0 }
  /** Reads the disk usage from a fake engine, as engines of these versions are not available. */
  const usageOf = async (answer: unknown) => {
    const server = createHttpServer((_, response) => response.end(JSON.stringify(answer))).listen(0, "127.0.0.1")
    await once(server, "listening")
    onTestFinished(() => void server.close())
    const address = server.address()
    const endpoint = `tcp://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
    const usage = await runWith(
      layerOf(endpoint),
      Effect.flatMap(System, (system) => system.diskUsage())
    )
    expect(usage.raw).toEqual(answer)
    const { raw: _, ...shares } = usage
    return shares
  }

  it("is decoded from the totals of API 1.52", async () => {
    const usage = await usageOf({
      ImageUsage: { ActiveCount: 1, TotalCount: 4, Reclaimable: 300, TotalSize: 1000 },
      ContainerUsage: { ActiveCount: 2, TotalCount: 3, TotalSize: 70, Reclaimable: 20, Items: [{ Id: "x" }] },
      VolumeUsage: { TotalCount: 1, TotalSize: -1 },
      BuildCacheUsage: {}
    })
    expect(usage).toEqual({
      images: { count: 4, active: 1, size: 1000, reclaimable: 300 },
      containers: { count: 3, active: 2, size: 70, reclaimable: 20 },
      volumes: { count: 1, active: 0, size: 0, reclaimable: 0 },
      buildCache: nothing
    })
  })

  it("is computed from the objects that older engines and Podman list", async () => {
    const images = [{ Id: "a", Size: 100, VirtualSize: 100 }]
    expect(await usageOf({ LayersSize: 0, Images: images, Containers: [], Volumes: null, BuilderSize: 0 })).toEqual({
      images: { count: 1, active: 0, size: 100, reclaimable: 100 },
      containers: nothing,
      volumes: nothing,
      buildCache: nothing
    })
    const cache = [
      { ID: "x", Size: 5 },
      { ID: "y", Size: 7, InUse: true, Shared: false }
    ]
    expect(await usageOf({ LayersSize: 10, BuildCache: cache })).toMatchObject({
      buildCache: { count: 2, active: 1, size: 12, reclaimable: 5 }
    })
  })
})
