import {
  Containers,
  Docker,
  ImageNotFound,
  Images,
  LogSink,
  LogSinkRecorder,
  MemoryEngine,
  type MemoryEngineOptions,
  ProgramStep,
  RegistryAuth,
  RegistryError
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest"
import { engineCall, engineRequest } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestRegistry } from "../../engine/testRegistry.js"

type Services = Containers | Docker | Images | LogSink | LogSinkRecorder

const services = Layer.mergeAll(Containers.layer, Images.layer).pipe(
  Layer.provideMerge(Layer.merge(RegistryAuth.layer(), LogSink.layerTest))
)

/** The events of all operations so far, in short. */
const pulls = Effect.gen(function* () {
  const { events } = yield* LogSinkRecorder
  const all = yield* events
  return all.flatMap((event) =>
    event._tag === "OperationStarted" || event._tag === "OperationCompleted" || event._tag === "OperationFailed"
      ? [`${event._tag} ${event.kind}`]
      : []
  )
})

const completed = ["OperationStarted pull_image", "OperationCompleted pull_image"]
const failed = ["OperationStarted pull_image", "OperationFailed pull_image"]

/** What holds on both engines. `here` is on the engine, `there` only in the registry, `nowhere` in neither. */
const behaviour = (image: (name: "here" | "there" | "nowhere") => string) => ({
  "never, by default: an image that the engine lacks is an error": Effect.gen(function* () {
    const containers = yield* Containers
    const plain = containers.run({ image: image("there"), command: ["true"] })
    expectTypeOf<typeof plain>().toExtend<Effect.Effect<unknown, unknown>>()
    expect(yield* Effect.flip(plain)).toMatchObject({ _tag: "ImageNotFound" })
    expect(yield* Effect.flip(containers.run({ image: image("there") }, { pull: "never" }))).toMatchObject({
      _tag: "ImageNotFound"
    })
    expect(yield* pulls).toEqual([])
  }),

  "missing: pulls what the engine lacks, once": Effect.gen(function* () {
    const containers = yield* Containers
    yield* containers.run({ image: image("here"), command: ["true"] }, { pull: "missing" })
    expect(yield* pulls).toEqual([])
    const spec = { image: image("there"), command: ["echo", "hello"] }
    expect(yield* containers.run(spec, { pull: "missing" })).toMatchObject({ exitCode: 0, stdout: "hello\n" })
    expect(yield* pulls).toEqual(completed)
    const elements = yield* Stream.runCollect(containers.runStream(spec, { pull: "missing" }))
    expect(Array.from(elements)).not.toEqual([])
    yield* Effect.scoped(containers.scoped(spec, { pull: "missing" }))
    expect(yield* pulls).toEqual(completed)
  }),

  "always: pulls what the engine has": Effect.gen(function* () {
    const containers = yield* Containers
    const spec = { image: image("there"), command: ["true"] }
    yield* containers.run(spec, { pull: "always" })
    yield* Stream.runDrain(containers.runStream(spec, { pull: "always" }))
    yield* Effect.scoped(containers.scoped(spec, { pull: "always" }))
    expect(yield* pulls).toEqual([...completed, ...completed, ...completed])
  }),

  "a pull that fails: there is no container": Effect.gen(function* () {
    const containers = yield* Containers
    const name = `never-made-${crypto.randomUUID()}`
    const error = yield* Effect.flip(containers.run({ name, image: image("nowhere") }, { pull: "missing" }))
    expect(error).toMatchObject({ _tag: "ImageNotFound", image: image("nowhere"), registry: expect.any(String) })
    expect(yield* Effect.flip(containers.inspect(name))).toMatchObject({ _tag: "ContainerNotFound" })
    expect(yield* pulls).toEqual(failed)
  }),

  "a registry that fails: its error is the cause": Effect.gen(function* () {
    const containers = yield* Containers
    const spec = { image: "127.0.0.1:1/app:1" }
    for (const attempt of [
      containers.run(spec, { pull: "missing" }),
      Stream.runDrain(containers.runStream(spec, { pull: "always" })),
      Effect.scoped(containers.scoped(spec, { pull: "missing" }))
    ]) {
      const error = yield* Effect.flip(attempt)
      expect(error).toMatchObject({
        _tag: "ImageNotFound",
        image: spec.image,
        registry: "127.0.0.1:1",
        cause: { _tag: "RegistryError", reason: "Unreachable" }
      })
      expect(error.message).toContain("the engine cannot reach the registry")
    }
    expect(yield* pulls).toEqual([...failed, ...failed, ...failed])
  })
})

const runWith = <A, E, E2>(
  engine: Layer.Layer<Docker, E2>,
  program: Effect.Effect<A, E, Services | Scope.Scope>
): Promise<A> => Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(Layer.provideMerge(services, engine))))

const runInMemory = <A, E>(program: Effect.Effect<A, E, Services | Scope.Scope>): Promise<A> =>
  runWith(MemoryEngine.layer(memoryOptions), program)

const memoryOptions: MemoryEngineOptions = {
  images: ["registry.example.com/here:1"],
  programs: [{ command: "true", run: () => Stream.make(ProgramStep.exit(0)) }],
  registries: [
    {
      host: "registry.example.com",
      images: [{ name: "there:1", platforms: ["linux/amd64", "linux/arm64"] }]
    }
  ]
}

describe("a container's image, in memory, is pulled", () => {
  const programs = behaviour((name) => `registry.example.com/${name}:1`)
  for (const [title, program] of Object.entries(programs)) {
    it(title, () => runInMemory(program))
  }

  it("missing: also when the engine has it for another platform only", () =>
    runInMemory(
      Effect.gen(function* () {
        const containers = yield* Containers
        const spec = { image: "registry.example.com/there:1", command: ["true"] }
        yield* containers.run(spec, { pull: "missing" })
        yield* containers.run({ ...spec, platform: "linux/amd64" }, { pull: "missing" })
        expect(yield* pulls).toEqual(completed)
        yield* containers.run({ ...spec, platform: "linux/arm64" }, { pull: "missing" })
        expect(yield* pulls).toEqual([...completed, ...completed])
        expect((yield* (yield* Images).inspect(spec.image)).platform.architecture).toBe("arm64")
      })
    ))

  it("with the policy in the type: only a pull requires the images and a sink", () => {
    const containers = Effect.runSync(
      Containers.pipe(Effect.provide(Containers.layer), Effect.provide(MemoryEngine.layer()), Effect.scoped)
    )
    type Requires<A> = A extends Effect.Effect<unknown, unknown, infer R> ? R : never
    const spec = { image: "busybox" }
    const policy: () => "missing" | "never" = () => "missing"
    const never = () => containers.run(spec, { pull: "never" })
    const missing = () => containers.run(spec, { pull: "missing" })
    const either = () => containers.run(spec, { pull: policy() })
    const scoped = () => containers.scoped(spec, { pull: "always" })
    expectTypeOf<Requires<ReturnType<typeof never>>>().toEqualTypeOf<never>()
    expectTypeOf<Requires<ReturnType<typeof missing>>>().toEqualTypeOf<Images | LogSink>()
    expectTypeOf<Requires<ReturnType<typeof either>>>().toEqualTypeOf<Images | LogSink>()
    expectTypeOf<Requires<ReturnType<typeof scoped>>>().toEqualTypeOf<Images | LogSink | Scope.Scope>()
  })
})

describe("ImageNotFound", () => {
  it("keeps its cause when it is encoded", () => {
    const cause = new RegistryError({
      registry: "docker.io",
      image: "app",
      reason: "RateLimited",
      credentials: "none",
      detail: "slow down"
    })
    const error = new ImageNotFound({ image: "app", registry: "docker.io", detail: "slow down", cause })
    const decoded = Schema.decodeSync(ImageNotFound)(Schema.encodeSync(ImageNotFound)(error))
    expect(decoded.cause).toEqual(cause)
    expect(decoded.message).toBe(error.message)
    expect(error.message).toContain("could not be pulled")
  })
})

describeEngine("a container's image, on a real engine, is pulled", () => {
  let registry: Awaited<ReturnType<typeof startTestRegistry>>
  const name = `pulled-${crypto.randomUUID().slice(0, 8)}`
  const image = (kind: string) => (kind === "here" ? "busybox:latest" : `${registry.host}/${name}:${kind}`)

  beforeAll(async () => {
    registry = await startTestRegistry()
    const { endpoint } = testEngine()
    const repository = `${registry.host}/${name}`
    await engineCall(endpoint, "POST", `/images/busybox:latest/tag?repo=${repository}&tag=there`)
    const headers = { "X-Registry-Auth": registry.authHeader }
    await engineCall(endpoint, "POST", `/images/${repository}/push?tag=there`, undefined, { headers })
    await engineCall(endpoint, "DELETE", `/images/${repository}:there`)
  }, 120_000)

  afterAll(async () => {
    await engineRequest(testEngine().endpoint, "DELETE", `/images/${image("there")}`)
    await registry.stop()
  })

  for (const title of Object.keys(behaviour(String))) {
    it(
      title,
      async () => {
        const [, program] = Object.entries(behaviour(image)).find(([one]) => one === title) ?? []
        if (program === undefined) return expect.fail(title)
        await runWith(Docker.layer({ endpoint: testEngine().endpoint }), program)
      },
      60_000
    )
  }
})
