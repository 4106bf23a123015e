import { Docker, Exec, type OutputPiece } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeEngine, describeKillableEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { eventually } from "../eventually.js"
import { failureWith, interruptionTime, runWith } from "../runWith.js"
import { made, started } from "./scriptContainer.js"

const layerOf = (endpoint: string) => Exec.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })))

/** The text of each stream. */
const texts = (pieces: Iterable<OutputPiece>) => {
  const text = { stdout: "", stderr: "" }
  for (const { bytes, stream } of pieces) text[stream] += Buffer.from(bytes).toString("utf8")
  return text
}
const drain = (id: string, begun: Effect.Effect<void> = Effect.void) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { output } = yield* (yield* Exec).attach(id)
      yield* begun
      return texts(yield* Stream.runCollect(output))
    })
  )

describeEngine("attaching to a container", () => {
  const layer = () => layerOf(testEngine().endpoint)

  it("misses no output if the container has not been started yet, and separates its streams", async () => {
    const container = await made("echo out; echo err >&2; printf 'no end'; exit 3")
    const received = await runWith(
      layer(),
      Effect.scoped(
        Effect.gen(function* () {
          const { output } = yield* (yield* Exec).attach(container.id)
          yield* Effect.promise(container.start)
          return texts(yield* Stream.runCollect(output))
        })
      )
    )
    expect(received).toEqual({ stdout: "out\nno end", stderr: "err\n" })
  })

  it("writes to its input, and closes it while its output continues", async () => {
    const container = await started('n=$(wc -c); sleep 0.3; echo "read $n"; echo complaint >&2', {
      openStdin: true,
      config: { StdinOnce: true }
    })
    const received = await runWith(
      layer(),
      Effect.scoped(
        Effect.gen(function* () {
          const attached = yield* (yield* Exec).attach(container.id)
          yield* attached.write("x".repeat(300_000))
          yield* attached.write(Uint8Array.of(10))
          yield* attached.end
          return { tty: attached.tty, ...texts(yield* Stream.runCollect(attached.output)) }
        })
      )
    )
    expect(received).toEqual({ tty: false, stdout: "read 300001\n", stderr: "complaint\n" })
  })

  it("writes to its terminal, resizes it, and passes every key", async () => {
    const script = "echo ready; read line; stty size; read keys; printf '%s' \"$keys\" | od -An -tx1; echo bye >&2"
    const container = await started(script, { tty: true, openStdin: true })
    const received = await runWith(
      layer(),
      Effect.scoped(
        Effect.gen(function* () {
          const attached = yield* (yield* Exec).attach(container.id, { replay: true })
          const pieces: Array<OutputPiece> = []
          const output = yield* attached.output.pipe(
            Stream.runForEach((piece) => Effect.sync(() => void pieces.push(piece))),
            Effect.fork
          )
          yield* attached.resize({ rows: 33, columns: 99 })
          yield* attached.write("go\n")
          yield* Effect.promise(() => eventually(() => texts(pieces).stdout).toContain("33 99\r\n"))
          yield* attached.write("\u0010\u0011x\n")
          yield* Fiber.join(output)
          return { tty: attached.tty, ...texts(pieces) }
        })
      )
    )
    expect(received).toMatchObject({ tty: true, stderr: "" })
    expect(received.stdout).toContain("ready\r\n")
    expect(received.stdout).toContain("33 99\r\n")
    expect(received.stdout).toMatch(/10.* 78\r\n/)
    expect(received.stdout).toContain("bye\r\n")
  })

  it("fails with an error about the container", async () => {
    const attach = (id: string) => Effect.scoped(Effect.flatMap(Exec, (exec) => exec.attach(id)))
    const absent = "dockwire-no-such-container"
    expect(await failureWith(layer(), attach(absent))).toMatchObject({ _tag: "ContainerNotFound", containerId: absent })
    const over = await started("exit 0")
    await over.wait()
    expect(await failureWith(layer(), attach(over.id))).toMatchObject({
      _tag: "ContainerStateConflict",
      state: "stopped"
    })
    const closed = await started("sleep 1000")
    const write = Effect.scoped(
      Effect.flatMap(Exec, (exec) => Effect.flatMap(exec.attach(closed.id), ({ write }) => write("x")))
    )
    expect(await failureWith(layer(), write)).toMatchObject({ _tag: "InvalidRequest", field: "standard input" })
    const resize = Effect.scoped(
      Effect.flatMap(Exec, (exec) =>
        Effect.flatMap(exec.attach(closed.id), ({ resize }) =>
          Effect.zipRight(
            Effect.promise(() => closed.remove()),
            resize({ rows: 1, columns: 1 })
          )
        )
      )
    )
    expect(await failureWith(layer(), resize)).toMatchObject({ _tag: "ContainerNotFound" })
  })

  it("ends at once when it is interrupted, and leaves the container running", async () => {
    const container = await started("sleep 1000", { openStdin: true })
    for (let time = 0; time < 2; time++) {
      expect(await interruptionTime(layer(), (begun) => drain(container.id, begun))).toBeLessThan(1_000)
    }
  })
})

describeKillableEngine("attaching to a container whose engine dies", () => {
  let engine: KillableEngine
  beforeAll(async () => {
    engine = await startKillableEngine({ name: "attach", liveRestore: true })
  })
  afterAll(() => engine?.dispose())

  it("fails with Lost", async () => {
    const { id } = await startTestContainer({ endpoint: engine.endpoint, cmd: ["sleep", "1000"], openStdin: true })
    const proxy = await startCuttingProxy(engine.endpoint)
    onTestFinished(proxy.close)
    const received = failureWith(layerOf(proxy.endpoint), drain(id))
    await eventually(() => proxy.requests.some((request) => request.includes("/attach"))).toBe(true)
    await engine.kill()
    expect(await received).toMatchObject({ _tag: "EngineUnavailable" })
    expect(await failureWith(layerOf(engine.endpoint), drain(id))).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "Refused"
    })
  })
})
