import { Compose, Containers, Docker, Exec, Logs, LogSink, MemoryEngine, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { readOnlyDocker } from "../../packages/server/src/access/readOnlyDocker.js"

const services = Layer.mergeAll(
  Containers.layer,
  Exec.layer,
  Logs.layer,
  LogSink.layerNone,
  Layer.provide(Compose.layer, RegistryAuth.layerConfig)
)

it("lets reading through to the engine, and nothing else", async () => {
  const program = Effect.gen(function* () {
    const engine = yield* Docker
    const wall = Layer.provide(readOnlyDocker, Layer.succeed(Docker, engine))
    const writing = Layer.provide(services, Layer.succeed(Docker, engine))
    const { id } = yield* Effect.provide(
      Effect.flatMap(Containers, (containers) =>
        containers.create({ image: "busybox", name: "web", command: ["true"] })
      ),
      writing
    )
    return yield* Effect.gen(function* () {
      const containers = yield* Containers
      const exec = yield* Exec
      const logs = yield* Logs
      const docker = yield* Docker
      const attach = { method: "POST", path: `/containers/${id}/attach` } as const
      const changing: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        containers.start(id),
        containers.remove(id),
        exec.run(id, ["true"]),
        Effect.scoped(docker.stream({ method: "POST", path: "/build" })),
        Effect.scoped(docker.hijack(attach)),
        Effect.scoped(docker.stream({ method: "GET", path: `/containers/${id}/attach/ws` })),
        docker.json({ method: "PUT", path: `/containers/${id}/wait` })
      ]
      for (const change of changing) {
        expect(yield* Effect.flip(change)).toMatchObject({
          _tag: "EngineError",
          status: 403,
          detail: expect.stringContaining("--read-only")
        })
      }
      const compose = yield* Compose
      for (const operation of [compose.up("shop"), compose.down({ name: "shop" }), compose.command("shop", ["rm"])]) {
        expect(yield* Effect.flip(Operation.run<unknown, unknown, never>(operation))).toMatchObject({
          _tag: "ComposeFailed",
          project: "shop",
          detail: expect.stringContaining("--read-only")
        })
      }
      const [web] = yield* containers.list({ all: true })
      expect(web).toMatchObject({ id, state: "created" })
      yield* Stream.runDrain(logs.read(id))
      expect(yield* containers.inspect(id)).toMatchObject({ id })
    }).pipe(Effect.provide(Layer.provideMerge(services, wall)))
  })
  await Effect.runPromise(Effect.scoped(Effect.provide(program, MemoryEngine.layer())))
})
