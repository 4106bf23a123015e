import { Containers, Docker, Networks, Volumes } from "@dockwire/core"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { engineCall, engineRequest } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer, uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { eventually } from "../eventually.js"
import { runWith } from "../runWith.js"

type Scoped = Effect.Effect<unknown, unknown, Containers | Networks | Volumes | Scope.Scope>

const labels = testLabels()
const services = Layer.mergeAll(Containers.layer, Networks.layer, Volumes.layer)

const scoped: Record<"containers" | "networks" | "volumes", (name: string) => Scoped> = {
  containers: (name) =>
    Effect.flatMap(Containers, (containers) =>
      containers.scoped({ name, image: "busybox:latest", command: ["sleep", "600"], labels })
    ),
  networks: (name) => Effect.flatMap(Networks, (networks) => networks.scoped({ name, labels, internal: true })),
  volumes: (name) => Effect.flatMap(Volumes, (volumes) => volumes.scoped({ name, labels }))
}

/** Interrupts a scope while a proxy holds back its create request. `release` lets the request through. */
const interrupted = async (kind: keyof typeof scoped, name: string) => {
  const released = Effect.runSync(Deferred.make<void>())
  const proxy = await startCuttingProxy(testEngine().endpoint, {
    hold: (request) => (/^POST .*\/create/.test(request) ? Effect.runPromise(Deferred.await(released)) : undefined)
  })
  onTestFinished(async () => {
    await proxy.close()
    await engineRequest(testEngine().endpoint, "DELETE", `/${kind}/${name}?force=1`)
  })
  const abort = new AbortController()
  const layer = Layer.provide(services, Docker.layer({ endpoint: proxy.endpoint }))
  const running = runWith(layer, Effect.scoped(scoped[kind](name)), abort.signal)
  await eventually(() => proxy.requests.some((request) => request.includes("/create"))).toBe(true)
  const start = performance.now()
  abort.abort()
  await expect(running).rejects.toThrow()
  expect(performance.now() - start).toBeLessThan(1_000)
  return { proxy, release: () => Effect.runSync(Deferred.succeed(released, undefined)) }
}

const exists = async (kind: string, name: string) =>
  (await engineRequest(testEngine().endpoint, "GET", `/${kind}/${name}${kind === "containers" ? "/json" : ""}`))
    .status === 200

describeEngine("a scope that is interrupted while the engine creates a resource", () => {
  it.each(["containers", "networks", "volumes"] as const)(
    "closes promptly, and the resource is removed once it exists: %s",
    async (kind) => {
      const name = uniqueName("held")
      const { proxy, release } = await interrupted(kind, name)
      expect(await exists(kind, name)).toBe(false)
      release()
      // The resource is removed only after the response to the create request.
      await eventually(() => proxy.requests.some((request) => request.startsWith(`DELETE /${kind}/`))).toBe(true)
      await eventually(() => exists(kind, name)).toBe(false)
      await eventually(() => proxy.open()).toBe(0)
    }
  )

  it.each(["containers", "networks", "volumes"] as const)(
    "does not touch a resource of the same name that another client creates in the meantime: %s",
    async (kind) => {
      const { endpoint } = testEngine()
      const name = uniqueName("held")
      const { proxy, release } = await interrupted(kind, name)
      if (kind === "containers") onTestFinished((await createTestContainer({ endpoint, name, cmd: ["true"] })).remove)
      else await engineCall(endpoint, "POST", `/${kind}/create`, { Name: name, Labels: labels })
      release()
      await eventually(() => proxy.open()).toBe(0)
      expect(await exists(kind, name)).toBe(true)
      expect(proxy.requests.filter((request) => request.startsWith("DELETE"))).toEqual([])
    }
  )
})
