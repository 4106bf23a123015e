import { Containers, Docker, type WaitCondition, type WaitOptions } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:net"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { type CuttingProxy, startCuttingProxy } from "../../engine/cuttingProxy.js"
import { freePort } from "../../engine/freePort.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"
import { made, started } from "./scriptContainer.js"

const layerOf = (endpoint: string) => Containers.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))
const wait = (id: string, condition: WaitCondition, options?: WaitOptions) =>
  Effect.flatMap(Containers, (containers) => containers.waitUntil(id, condition, options))
const second = 1_000_000_000
const checkedBy = (test: string, retries = 2) => ({
  Healthcheck: { Test: ["CMD-SHELL", test], Interval: 0.2 * second, Timeout: second, Retries: retries }
})

/** A proxy in front of an engine, for waits that begin while the test runs. */
const proxied = async (endpoint: string): Promise<CuttingProxy> => {
  const proxy = await startCuttingProxy(endpoint)
  onTestFinished(proxy.close)
  return proxy
}

/** Resolves when `count` waits through the proxy have subscribed: each has inspected the container since then. */
const subscribed = async ({ requests }: CuttingProxy, count = 1) => {
  await eventually(() => requests.filter((request) => request.startsWith("GET /events")).length).toBeGreaterThanOrEqual(
    count
  )
  const subscription = requests.findLastIndex((request) => request.startsWith("GET /events"))
  await eventually(() => requests.slice(subscription).some((request) => request.endsWith("/json"))).toBe(true)
}

describeEngine("waiting for a container", () => {
  const layer = () => layerOf(testEngine().endpoint)
  const awaited = (id: string, condition: WaitCondition, options?: WaitOptions) =>
    runWith(layer(), wait(id, condition, options))
  const failed = async (
    id: string,
    condition: WaitCondition,
    options?: WaitOptions,
    { endpoint }: { readonly endpoint: string } = testEngine()
  ) => {
    const start = performance.now()
    const error = await failureWith(layerOf(endpoint), wait(id, condition, options))
    return { error, took: performance.now() - start }
  }

  it("to run ends when it starts, even if it exits at once", async () => {
    const container = await made("exit 0")
    const proxy = await proxied(testEngine().endpoint)
    const waiting = runWith(layerOf(proxy.endpoint), wait(container.id, "running"))
    await subscribed(proxy)
    await container.start()
    await waiting
    const running = await started("sleep 1000")
    await awaited(running.name, "running")
  })

  it("to exit ends when it exits or is removed", async () => {
    const container = await started("sleep 0.5; exit 4")
    await awaited(container.id, "exited")
    await awaited(container.id, "exited")
    const other = await started("sleep 1000")
    const proxy = await proxied(testEngine().endpoint)
    const waiting = runWith(layerOf(proxy.endpoint), wait(other.id, "exited"))
    await subscribed(proxy)
    await other.remove()
    await waiting
  })

  it("to be healthy ends when its health check passes", async () => {
    const container = await started("sleep 0.5; touch /ready; sleep 1000", { config: checkedBy("test -e /ready", 100) })
    await awaited(container.id, "healthy")
  })

  it("to be healthy fails when it can't be, with the health check's output and the last log lines", async () => {
    const sick = await started("echo one; echo two; sleep 1000", { config: checkedBy("echo it hurts; exit 1") })
    const { error } = await failed(sick.id, "healthy")
    expect(error).toMatchObject({
      _tag: "WaitFailed",
      containerId: sick.id,
      condition: "healthy",
      reason: "Unhealthy",
      lastLines: ["one", "two"]
    })
    expect(error._tag === "WaitFailed" ? error.healthLog.at(-1) : undefined).toMatchObject({
      exitCode: 1,
      output: "it hurts\n"
    })
    expect(error.message).toContain("it hurts")

    const dying = await started("echo last words; sleep 0.7; exit 7", { config: checkedBy("test -e /never", 100) })
    expect((await failed(dying.id, "healthy")).error).toMatchObject({
      _tag: "WaitFailed",
      reason: "Exited",
      detail: "the container exited with code 7",
      lastLines: ["last words"]
    })
    const unchecked = await started("sleep 1000")
    const without = await failed(unchecked.id, "healthy")
    expect(without.error).toMatchObject({ _tag: "WaitFailed", reason: "Impossible" })
    expect(without.took).toBeLessThan(3_000)
  })

  it("to log a line ends with an old or a new line", async () => {
    const container = await started("echo before; sleep 0.7; echo 'listening on 80'; sleep 1000")
    await awaited(container.id, { log: "before" })
    await awaited(container.id, { log: /^listening on \d+$/g })
    await awaited(container.id, { log: "listening" })
    const later = await made("echo ready; sleep 1000")
    const proxy = await proxied(testEngine().endpoint)
    const waiting = runWith(layerOf(proxy.endpoint), wait(later.id, { log: "ready" }))
    await subscribed(proxy)
    await later.start()
    await waiting
    const over = await started("echo all done")
    await over.wait()
    await awaited(over.id, { log: "all done" })
  })

  it("to log several lines ends with the last of them", async () => {
    const container = await started("echo ready; sleep 0.7; echo ready; echo ready; sleep 1000")
    await awaited(container.id, { log: "ready", times: 3 })
    await awaited(container.id, { log: "ready", times: 2 })
    const { error } = await failed(container.id, { log: "ready", times: 4 }, { timeout: "500 millis" })
    expect(error).toMatchObject({ reason: "TimedOut", condition: '4 log lines containing "ready"' })
  })

  it("to log a line fails when it exits first", async () => {
    const container = await started("echo something else; sleep 0.5; echo bye; exit 3")
    const { error, took } = await failed(container.id, { log: "ready" })
    expect(error).toMatchObject({
      _tag: "WaitFailed",
      condition: 'log line containing "ready"',
      reason: "Exited",
      detail: "the container exited with code 3",
      lastLines: ["something else", "bye"]
    })
    expect(took).toBeLessThan(10_000)
    expect((await failed(container.id, { log: "ready" })).error).toMatchObject({ _tag: "WaitFailed", reason: "Exited" })
  })

  it("to log a line continues across a restart by its policy, and ignores earlier runs", async () => {
    const container = await started("test -e /again && { echo ready; sleep 1000; }; touch /again; exit 1", {
      hostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } }
    })
    await awaited(container.id, { log: "ready" })
  })

  it("to listen on a port ends when it does, and not before", async () => {
    const script = "sleep 1; echo hello > /index.html; exec httpd -f -p 80 -h /"
    const published = await started(script, {
      config: { ExposedPorts: { "80/tcp": {} } },
      hostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
    })
    const start = performance.now()
    await awaited(published.id, { port: 80 })
    expect(performance.now() - start).toBeGreaterThan(500)
    // At its own address.
    const inner = await started(script)
    await awaited(inner.id, { port: 80 })
  })

  it("to listen on a port of the host's network or of another container's network ends when it does", async () => {
    const port = await freePort()
    const onHost = await started(`sleep 0.3; exec httpd -f -p ${port}`, { hostConfig: { NetworkMode: "host" } })
    await awaited(onHost.id, { port })
    const shown = await started("sleep 1000", {
      config: { ExposedPorts: { "80/tcp": {} } },
      hostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
    })
    const inside = await started("sleep 0.3; exec httpd -f -p 80", {
      hostConfig: { NetworkMode: `container:${shown.id}` }
    })
    await awaited(inside.id, { port: 80 })
    const inner = await started("exec httpd -f -p 81", { hostConfig: { NetworkMode: `container:${inside.id}` } }).catch(
      () => undefined
    )
    // Not every engine lets a container join one that has joined another.
    if (inner !== undefined) await awaited(inner.id, { port: 80 })
  })

  it("to listen on a port fails when the port can't be reached, or it exits", async () => {
    const apart = await started("sleep 1000", { hostConfig: { NetworkMode: "none" } })
    expect((await failed(apart.id, { port: 80 })).error).toMatchObject({ _tag: "WaitFailed", reason: "Impossible" })
    const dying = await started("sleep 0.5; exit 9")
    expect((await failed(dying.id, { port: 80 })).error).toMatchObject({
      _tag: "WaitFailed",
      reason: "Exited",
      detail: "the container exited with code 9"
    })
  })

  it("fails after the timeout, or when it is removed or can't start", async () => {
    const container = await started("echo waiting; sleep 1000")
    for (const condition of ["exited", { log: "never" }, { port: 81 }] as const) {
      const { error, took } = await failed(container.id, condition, { timeout: "600 millis" })
      expect(error).toMatchObject({ _tag: "WaitFailed", reason: "TimedOut", lastLines: ["waiting"] })
      expect(took).toBeLessThan(4_000)
    }
    const proxy = await proxied(testEngine().endpoint)
    const waiting = failed(container.id, { log: "never" }, {}, proxy)
    await eventually(() => proxy.requests.some((request) => request.includes("/logs?"))).toBe(true)
    await subscribed(proxy)
    await container.remove()
    expect((await waiting).error).toMatchObject({ _tag: "WaitFailed", reason: "Removed", lastLines: [] })

    const broken = await made("", { cmd: ["/no/such/command"] })
    const other = await proxied(testEngine().endpoint)
    const starting = failed(broken.id, "running", {}, other)
    await subscribed(other)
    await broken.start().catch(() => {})
    expect((await starting).error).toMatchObject({ _tag: "WaitFailed", reason: "Exited" })
  })

  it("fails after the timeout if the engine holds an answer back", async () => {
    const container = await started("echo waiting; sleep 1000")
    const held = [/json/, /GET \/events/, /\/logs/] as const
    for (const [index, condition] of (["exited", { log: "never" }, { port: 81 }] as const).entries()) {
      const proxy = await startCuttingProxy(testEngine().endpoint, {
        hold: (request) => (held[index]?.test(request) === true ? new Promise(() => {}) : undefined)
      })
      onTestFinished(proxy.close)
      const { error, took } = await failed(container.id, condition, { timeout: "400 millis" }, proxy)
      expect(error).toMatchObject({ _tag: "WaitFailed", reason: "TimedOut" })
      expect(took).toBeLessThan(3_500)
    }
    // This one accepts connections, and that is all.
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const endpoint = `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
    const { error, took } = await failed(container.id, "running", { timeout: "400 millis" }, { endpoint })
    expect(error).toMatchObject({ reason: "TimedOut", detail: "the engine did not answer within 400ms", lastLines: [] })
    expect(took).toBeLessThan(1_500)
  })

  it("fails if it does not exist, or for an invalid port", async () => {
    const absent = "dockwire-no-such-container"
    for (const condition of ["running", { log: "x" }, { port: 80 }] as const) {
      expect((await failed(absent, condition)).error).toMatchObject({ _tag: "ContainerNotFound", containerId: absent })
    }
    expect((await failed(absent, { port: 0 })).error).toMatchObject({
      _tag: "InvalidRequest",
      field: "port",
      value: "0"
    })
  })

  it("stops at once when the wait is interrupted", async () => {
    const container = await started("sleep 1000")
    for (const condition of ["exited", { log: "never" }, { port: 81 }] as const) {
      const proxy = await proxied(testEngine().endpoint)
      const waiting = (begun: Effect.Effect<void>) =>
        Effect.raceFirst(
          wait(container.id, condition),
          // Its connections to the engine are open, and nothing more passes.
          Effect.promise(async () => {
            await eventually(proxy.open).toBeGreaterThan(0)
            let passed = -1
            await eventually(() => passed === (passed = proxy.passed())).toBe(true)
          }).pipe(Effect.zipRight(begun), Effect.zipRight(Effect.never))
        )
      expect(await interruptionTime(layerOf(proxy.endpoint), waiting)).toBeLessThan(1_000)
    }
  })
})

describeKillableEngine("waiting for a container whose engine dies", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "wait" })
  })
  afterAll(() => engine?.dispose())

  it("fails with Lost, and then with Refused", async () => {
    const { id } = await startTestContainer({ endpoint: engine.endpoint, cmd: ["sleep", "1000"] })
    const layer = layerOf(engine.endpoint)
    const proxies = await Promise.all(Array.from({ length: 3 }, () => proxied(engine.endpoint)))
    const waiting = Promise.all(
      (["exited", { log: "never" }, { port: 81 }] as const).map((condition, index) =>
        failureWith(layerOf(proxies[index]?.endpoint ?? ""), wait(id, condition))
      )
    )
    for (const proxy of proxies) await subscribed(proxy)
    await engine.kill()
    for (const error of await waiting) expect(error).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
    expect(await failureWith(layer, wait(id, "exited"))).toMatchObject({ _tag: "EngineUnavailable", reason: "Refused" })
  })
})
