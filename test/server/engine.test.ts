import { afterEach, expect, it } from "vitest"
import { startKillableEngine } from "../engine/killableEngine.js"
import { describeKillableEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { startInProcess } from "./inProcessServer.js"
import { connectWire, isEvent } from "./wireClient.js"

const cleanups: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
}, 120_000)

describeKillableEngine("an engine with outages", () => {
  it("is waited for and reported, and its containers are followed on", { timeout: 180_000 }, async () => {
    const engine = await startKillableEngine({ name: "server", liveRestore: true })
    cleanups.push(engine.dispose)
    const { id } = await startTestContainer({
      endpoint: engine.endpoint,
      name: "counter",
      cmd: ["sh", "-c", "i=0; while true; do i=$((i+1)); echo line $i; usleep 20000; done"]
    })
    await engine.stop()

    const server = await startInProcess({ endpoint: engine.endpoint })
    cleanups.push(server.stop)
    const ready = async () => (await fetch(`${server.url}/readyz`)).status
    const client = await connectWire(server.url, { token: server.token })
    cleanups.push(client.cut)
    const first = await client.waitFor(isEvent("engine_status"))
    expect(first.data).toMatchObject({ available: false, endpoint: engine.endpoint })
    expect(first.data.reason).toContain(engine.endpoint)
    expect(await ready()).toBe(503)

    // The request fails for now, and is carried out once the engine is back.
    client.send({ event: "stream_container_logs", data: { container_id: "counter", tail: 100_000 } })
    expect((await client.waitFor(isEvent("error"))).data).toMatchObject({
      code: "engine_unavailable",
      about: "counter"
    })

    await engine.start()
    const up = await client.waitFor(
      isEvent("engine_status", ({ data }) => data.available),
      60_000
    )
    expect(up.data.version).toMatch(/^\d+\.\d+/)
    expect(up.data.reason).toBeUndefined()
    expect(await ready()).toBe(200)
    await client.waitFor(isEvent("joined", ({ data }) => data.canonical === `container_logs_${id}`))
    await client.until(() => client.lines().length > 50, 60_000)

    const before = client.lines().length
    const statuses = () => client.messages.filter(isEvent("engine_status")).map(({ data }) => data)
    // The reason may change during an outage: the connection is lost at first, and refused later.
    const transitions = () =>
      statuses()
        .map(({ available }) => available)
        .filter((available, index, all) => available !== all[index - 1])
        .join()
    await engine.kill()
    await client.until(() => transitions() === "false,true,false", 60_000)
    await engine.start()
    await client.until(() => transitions() === "false,true,false,true", 60_000)
    await client.until(() => client.lines().length > before + 50, 60_000)
    for (const [index, { available, reason, version }] of statuses().entries()) {
      const before = statuses()[index - 1]
      expect({ available, reason, version }).not.toEqual({
        available: before?.available,
        reason: before?.reason,
        version: before?.version
      })
    }
    const numbers = client.lines().map((line) => Number(line.slice(5)))
    expect(numbers).toEqual(Array.from(numbers, (_, index) => index + 1))
  })

  it("is compared with what was known before, and differences are reported", { timeout: 180_000 }, async () => {
    const engine = await startKillableEngine({ name: "relist" })
    cleanups.push(engine.dispose)
    const { id } = await startTestContainer({ endpoint: engine.endpoint, name: "sleeper", cmd: ["sleep", "1000"] })
    const server = await startInProcess({ endpoint: engine.endpoint })
    cleanups.push(server.stop)
    const client = await connectWire(server.url, { token: server.token })
    cleanups.push(client.cut)
    await client.waitFor(isEvent("engine_status", ({ data }) => data.available))
    // Without live restore the container dies with its engine, which emits no event.
    await engine.kill()
    await client.waitFor(
      isEvent("engine_status", ({ data }) => !data.available),
      60_000
    )
    await engine.start()
    const change = await client.waitFor(isEvent("container_status_change"), 60_000)
    expect(change.data).toMatchObject({ container_id: id, name: "sleeper", status: "stopped", success: true })
  })
})
