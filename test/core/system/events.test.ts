import { Events, type EngineEvent, type EventsOptions } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { failureOf, runCore } from "../runCore.js"

const events = (options?: EventsOptions) => Stream.unwrap(Effect.map(Events, (service) => service.stream(options)))

const collect = (options: EventsOptions): Promise<ReadonlyArray<EngineEvent>> =>
  runCore(testEngine().endpoint, Effect.map(Stream.runCollect(events(options)), Chunk.toReadonlyArray))

const created = async (cmd: ReadonlyArray<string>) => {
  const container = await createTestContainer({ endpoint: testEngine().endpoint, cmd })
  onTestFinished(container.remove)
  return container
}

describeEngine("the engine's events", () => {
  it("show the life of one container as it happens", async () => {
    const [container, other] = [await created(["sh", "-c", "exit 3"]), await created(["true"])]
    const proxy = await startCuttingProxy(testEngine().endpoint)
    onTestFinished(proxy.close)
    const life = runCore(
      proxy.endpoint,
      events({ filters: { container: [container.id], event: ["start", "die", "destroy"] } }).pipe(
        Stream.takeUntil((event) => event.action === "destroy"),
        Stream.runCollect,
        Effect.map(Chunk.toReadonlyArray)
      )
    )
    await eventually(() => proxy.requests.length).toBe(1)
    for (const one of [other, container]) {
      await one.start()
      await one.wait()
      await one.remove()
    }
    const seen = await life
    expect(seen.map((event) => event.action)).toEqual(["start", "die", "destroy"])
    expect(new Set(seen.map((event) => event.id))).toEqual(new Set([container.id]))
    expect(seen[1]).toMatchObject({ type: "container", attributes: { exitCode: "3", name: container.name } })
    const times = seen.map((event) => event.timeNano)
    expect(times).toEqual(times.toSorted((a, b) => Number(a - b)))
    // A number would have lost the last digits.
    expect(times.every((time) => time > 1_600_000_000_000_000_000n)).toBe(true)
    expect(times.some((time) => BigInt(Number(time)) !== time)).toBe(true)
    await eventually(() => proxy.open()).toBe(0)
  })

  it("of the past are returned between two times, and then the stream ends", async () => {
    const container = await created(["true"])
    const from = new Date(Date.now() - 1)
    await container.start()
    await container.wait()
    const filters = { container: [container.id], event: ["start", "die"] }
    await eventually(async () => (await collect({ since: from, until: new Date(), filters })).length).toBe(2)
    const [start, die] = await collect({ since: from, until: new Date(), filters })
    const text = (nanos: bigint | undefined) => `${(nanos ?? 0n) / 1_000_000_000n}.${String(nanos).slice(-9)}`
    const only = await collect({ since: text(die?.timeNano), until: new Date(), filters })
    expect(only.map((event) => event.action)).toEqual(["die"])
    const first = await collect({ since: from, until: text(start?.timeNano), filters })
    expect(first.map((event) => event.action)).toEqual(["start"])
    const all = await collect({ until: new Date(Date.now() + 500), filters })
    expect(all.map((event) => event.action)).toEqual(["start", "die"])
    const none = await collect({ since: new Date(), until: new Date(Date.now() + 500), filters })
    expect(none).toEqual([])
  })

  it("fail with InvalidRequest for invalid options, and with Lost when the connection is lost", async () => {
    const { endpoint } = testEngine()
    const failure = (options: EventsOptions) => failureOf(endpoint, Stream.runDrain(events(options)))
    expect(await failure({ since: "now-ish" })).toMatchObject({ _tag: "InvalidRequest", field: "since" })
    expect(await failure({ until: "later" })).toMatchObject({ _tag: "InvalidRequest", field: "until" })
    const [past, now] = [new Date(Date.now() - 60_000), new Date()]
    expect(await failure({ since: now, until: past })).toMatchObject({
      _tag: "InvalidRequest",
      field: "since",
      value: String(now)
    })
    const proxy = await startCuttingProxy(endpoint)
    onTestFinished(proxy.close)
    const lost = failureOf(proxy.endpoint, Stream.runDrain(events()))
    await eventually(() => proxy.passed()).toBeGreaterThan(0)
    proxy.cutAll()
    expect(await lost).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost" })
  })
})
