import { Docker, Exec, Logs, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { describe, expect, it, onTestFinished } from "vitest"
import { type CuttingProxy, startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"

const container = { name: "web", image: "busybox", command: ["sleep", "3600"] }

describe("waiting for a command that runs for long", () => {
  const isStateRequest = ({ path }: { readonly path: string }) => /^\/exec\/\w+\/json$/.test(path)

  const program = Effect.gen(function* () {
    const engine = yield* MemoryEngine
    const terminal = yield* (yield* Exec).terminal("web", ["cat"])
    const exit = yield* Effect.fork(terminal.exitCode)
    yield* TestClock.adjust("10 minutes")
    const requests = (yield* engine.requests).filter(isStateRequest).length
    // The end of the input ends the program.
    yield* terminal.write("\u0004")
    // No time passes from here on: the exit is learnt from an event.
    return { requests, exitCode: yield* Fiber.join(exit) }
  }).pipe(
    Effect.scoped,
    Effect.provide(Exec.layer.pipe(Layer.provideMerge(MemoryEngine.layer({ containers: [container] })))),
    Effect.provide(TestContext.TestContext)
  )

  it("asks for its state a few times only, and learns of its exit at once", async () => {
    const { exitCode, requests } = await Effect.runPromise(program)
    expect(exitCode).toBe(0)
    // 3,000 when it polled five times a second.
    expect(requests).toBeLessThan(80)
  })
})

const services = Layer.mergeAll(Exec.layer, Logs.layer)

describeEngine("a connection that is given up while it opens", () => {
  /** Holds back the responses to the requests that match. */
  const holding = async (held: RegExp) => {
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      hold: (request) => (held.test(request) ? new Promise(() => {}) : undefined)
    })
    onTestFinished(proxy.close)
    return proxy
  }

  type Open = Effect.Effect<unknown, unknown, Docker | Exec | Logs | Scope.Scope>

  const until = (isTrue: () => boolean) =>
    Effect.promise(async () => {
      await eventually(isTrue).toBe(true)
    })

  /** Interrupts `open` once `isHeld`. Then these connections must close, though the scope lives on. */
  const givenUp = async (proxy: CuttingProxy, isHeld: () => boolean, open: Open, connections = 1) => {
    const program = Effect.gen(function* () {
      const fiber = yield* Effect.fork(open)
      yield* until(isHeld)
      const before = proxy.open()
      yield* Fiber.interrupt(fiber)
      yield* until(() => proxy.open() <= before - connections)
    })
    const layer = Layer.provideMerge(services, Docker.layer({ endpoint: proxy.endpoint }))
    await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(layer)))
  }

  it("is closed, though its scope lives on", async () => {
    const { id, remove } = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "300"] })
    onTestFinished(remove)
    const cases: ReadonlyArray<readonly [RegExp, Open]> = [
      [/events/, Effect.flatMap(Docker, (docker) => docker.stream({ method: "GET", path: "/events" }))],
      [
        /attach/,
        Effect.flatMap(Docker, (docker) => docker.hijack({ method: "POST", path: `/containers/${id}/attach` }))
      ],
      [/attach/, Effect.flatMap(Exec, (exec) => exec.attach(id))],
      [/\/start$/, Effect.flatMap(Exec, (exec) => exec.terminal(id, ["cat"]))],
      [/\/start$/, Effect.flatMap(Exec, (exec) => exec.run(id, ["cat"]))],
      [/\/logs/, Effect.flatMap(Logs, (logs) => Stream.runDrain(logs.read(id, { follow: true })))]
    ]
    for (const [held, open] of cases) {
      const proxy = await holding(held)
      await givenUp(proxy, () => proxy.requests.some((line) => held.test(line)), open)
    }
  })

  it("is closed if a later request of the same operation is given up", async () => {
    const { id, remove } = await startTestContainer({ endpoint: testEngine().endpoint, cmd: ["sleep", "300"] })
    onTestFinished(remove)
    let inspects = 0
    const proxy = await startCuttingProxy(testEngine().endpoint, {
      // The second inspect follows the attach.
      hold: (request) => (request.endsWith("/json") && ++inspects === 2 ? new Promise(() => {}) : undefined)
    })
    onTestFinished(proxy.close)
    await givenUp(
      proxy,
      () => inspects === 2,
      Effect.flatMap(Exec, (exec) => exec.attach(id)),
      2
    )
  })
})
