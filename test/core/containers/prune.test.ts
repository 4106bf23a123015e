import {
  Containers,
  Docker,
  type DockerError,
  Images,
  MemoryEngine,
  Networks,
  RegistryAuth,
  System,
  Volumes
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { failureWith, runWith } from "../runWith.js"

const services = Layer.mergeAll(
  Containers.layer,
  Layer.provide(Images.layer, RegistryAuth.layer()),
  Networks.layer,
  System.layer,
  Volumes.layer
)

/** Matches nothing. */
const options = { filters: { label: ["dockwire.test.nothing-has-this"] } }

type Prune = Effect.Effect<unknown, DockerError, Containers | Images | Networks | Volumes>

const prunes: Record<"containers" | "images" | "networks" | "volumes", Prune> = {
  containers: Effect.flatMap(Containers, (containers) => containers.prune(options)),
  images: Effect.flatMap(Images, (images) => images.prune(options)),
  networks: Effect.flatMap(Networks, (networks) => networks.prune(options)),
  volumes: Effect.flatMap(Volumes, (volumes) => volumes.prune(options))
}

const everything = Effect.flatMap(System, (system) => system.prune({ ...options, volumes: true }))

describeEngine("concurrent prunes", () => {
  it.each(["containers", "images", "networks", "volumes"] as const)(
    "of %s: the later one fails with PruneInProgress",
    async (kind) => {
      const layer = Layer.provideMerge(services, Docker.layer({ endpoint: testEngine().endpoint }))
      const crowd = Effect.all(
        Array.from({ length: 12 }, () => Effect.either(prunes[kind])),
        { concurrency: "unbounded" }
      )
      // Prunes are short, so in some rounds none may overlap.
      const refused = Effect.gen(function* () {
        for (;;) {
          for (const outcome of yield* crowd) if (outcome._tag === "Left") return outcome.left
        }
      })
      expect(await runWith(layer, refused)).toMatchObject({ _tag: "PruneInProgress", kind })
    }
  )
})

it.concurrent.each([
  ["containers", "/containers/prune"],
  ["networks", "/networks/prune"],
  ["volumes", "/volumes/prune"],
  ["images", "/images/prune"]
] as const)("a system prune reports which kind another prune is removing: %s", async (kind, path) => {
  const layer = Layer.provideMerge(services, MemoryEngine.layer())
  const refused = Effect.gen(function* () {
    yield* (yield* MemoryEngine).refuse({ path }, 409, "a prune operation is already running")
    return yield* everything
  })
  expect(await failureWith(layer, refused)).toMatchObject({ _tag: "PruneInProgress", kind })
})

it("a system prune that has started waits for other prunes and keeps its results", async () => {
  const layer = Layer.provideMerge(services, MemoryEngine.layer())
  const filters = { label: ["dockwire.test.prune"] }
  const program = Effect.gen(function* () {
    const engine = yield* MemoryEngine
    const containers = yield* Containers
    const { id } = yield* containers.create({ image: "busybox", labels: { "dockwire.test.prune": "" } })
    yield* engine.refuse({ path: "/networks/prune" }, 409, "a prune operation is already running")
    const pruning = yield* Effect.fork(Effect.flatMap(System, (system) => system.prune({ filters })))
    const requested = Effect.map(engine.requests, (requests) => requests.some(({ path }) => path === "/networks/prune"))
    yield* Effect.repeat(requested, { until: (was) => was, schedule: Schedule.spaced("5 millis") })
    yield* engine.heal
    expect(yield* Fiber.join(pruning)).toMatchObject({ containers: [id] })
  })
  await runWith(layer, program)
})
