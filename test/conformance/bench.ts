import {
  Archive,
  Compose,
  ComposeFiles,
  Containers,
  type ContainerSpec,
  type DockerError,
  Docker,
  Events,
  Exec,
  Host,
  Images,
  Logs,
  LogSink,
  MemoryCompose,
  MemoryEngine,
  Networks,
  RegistryAuth,
  Stats,
  System,
  Volumes
} from "@dockwire/core"
import { Context, Duration, Effect, Layer, Schedule, type Scope } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { busyboxImage } from "../engine/busyboxImage.js"
import { uniqueName } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import { type BenchProject, memoryProject, memoryProjects, type ProjectName, realProject } from "./composeBench.js"
import { Expected, type Expectations } from "./differences.js"
import { openEngineGate } from "./engineGate.js"
import type { RealEngine } from "./realEngines.js"

/** The services under test. */
export type Services =
  | Archive
  | Compose
  | ComposeFiles
  | Containers
  | Docker
  | Events
  | Exec
  | Host
  | Images
  | Logs
  | LogSink
  | Networks
  | RegistryAuth
  | Stats
  | System
  | Volumes

/** What a cell can use. */
export interface Bench {
  /** The value that is expected from this engine. */
  readonly expected: Expectations["expected"]
  /** A name that is not in use. */
  readonly name: (word?: string) => string
  readonly labels: Readonly<Record<string, string>>
  /** A registry that the engine reaches, as `host:port`. */
  readonly registry: Effect.Effect<string>
  /** A project for compose, which is removed from the engine with the scope. */
  readonly project: (kind: ProjectName) => Effect.Effect<BenchProject, never, Services | Scope.Scope>
  /** The spec of a busybox container. */
  readonly spec: (
    command: ReadonlyArray<string>,
    more?: Partial<ContainerSpec>
  ) => ContainerSpec & { readonly name: string }
  /** Creates such a container, which is removed with the scope. */
  readonly created: (
    command: ReadonlyArray<string>,
    more?: Partial<ContainerSpec>
  ) => Effect.Effect<{ readonly id: string; readonly name: string }, DockerError, Containers | Scope.Scope>
  /** Creates and starts such a container, which is removed with the scope. */
  readonly running: (
    command?: ReadonlyArray<string>,
    more?: Partial<ContainerSpec>
  ) => Effect.Effect<{ readonly id: string; readonly name: string }, DockerError, Containers | Scope.Scope>
  /** Makes the engine unreachable and breaks its connections. */
  readonly gone: Effect.Effect<void>
  /** The reason that requests then fail with: the socket is missing, or the port refuses connections. */
  readonly goneReason: "NotFound" | "Refused"
  /** Holds back the responses to all later requests. */
  readonly stall: Effect.Effect<void>
  /** Completes when a request has arrived since then. */
  readonly held: Effect.Effect<void>
}

const services = Layer.provideMerge(
  Layer.mergeAll(
    Archive.layer,
    Containers.layer,
    Events.layer,
    Exec.layer,
    Host.layer,
    Images.layer,
    Logs.layer,
    Networks.layer,
    Stats.layer,
    System.layer,
    Volumes.layer
  ),
  RegistryAuth.layer()
)

/** Services that no engine is behind. Files are in a folder of their own. */
const others = Layer.merge(
  LogSink.layerNone,
  Layer.unwrapScoped(
    Effect.map(
      Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "dockwire-conformance-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      ),
      (folder) => ComposeFiles.layer({ folder })
    )
  )
)

const untilTrue = (condition: Effect.Effect<boolean>) =>
  Effect.asVoid(Effect.repeat(condition, { until: (held) => held, schedule: Schedule.spaced(Duration.millis(5)) }))

const bench = (
  expectations: Expectations,
  given: Pick<Bench, "gone" | "goneReason" | "stall" | "held" | "project" | "registry">
): Bench => {
  const labels = testLabels({ "dockwire.conformance": uniqueName("cell") })
  const spec: Bench["spec"] = (command, more = {}) => ({
    name: uniqueName("cell"),
    image: busyboxImage,
    command,
    labels,
    ...more
  })
  const created: Bench["created"] = (command, more) =>
    Effect.gen(function* () {
      const containers = yield* Containers
      const wanted = spec(command, more)
      const { id } = yield* Effect.acquireRelease(containers.create(wanted), ({ id }) =>
        Effect.ignore(containers.remove(id, { force: true, volumes: true }))
      )
      return { id, name: wanted.name }
    })
  return {
    expected: expectations.expected,
    name: uniqueName,
    labels,
    spec,
    created,
    running: (command = ["sleep", "300"], more = {}) =>
      Effect.gen(function* () {
        const container = yield* created(command, more)
        yield* (yield* Containers).start(container.id)
        return container
      }),
    ...given
  }
}

/** Runs a cell against the engine in memory. */
export const onMemory = <A, E>(cell: (bench: Bench) => Effect.Effect<A, E, Services | Scope.Scope>) => {
  const program = Effect.gen(function* () {
    const engine = yield* MemoryEngine
    const expectations = yield* Expected
    let requestCount = 0
    return yield* cell(
      bench(expectations, {
        registry: Effect.dieMessage("the engine in memory has no registry"),
        project: (kind) => Effect.succeed(memoryProject(kind)),
        gone: engine.goOffline("NotFound"),
        goneReason: "NotFound",
        stall: Effect.zipRight(
          Effect.map(engine.requests, ({ length }) => void (requestCount = length)),
          engine.slow({}, Duration.infinity)
        ),
        held: untilTrue(Effect.map(engine.requests, ({ length }) => length > requestCount))
      })
    )
  })
  const compose = Layer.provideMerge(MemoryCompose.layer({ projects: memoryProjects }), services)
  return program.pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(others, Layer.provideMerge(compose, MemoryEngine.layer())))
  )
}

/** Runs a cell against a real engine. With `gated`, the cell can make that engine unreachable. */
export const onReal =
  ({ composeEnvironment, registry, target, way }: RealEngine, gated: boolean) =>
  <E>(cell: (bench: Bench) => Effect.Effect<unknown, E, Services | Scope.Scope>) =>
    Effect.gen(function* () {
      const gate = gated
        ? yield* Effect.acquireRelease(
            Effect.promise(() => openEngineGate(target)),
            (gate) => Effect.promise(() => gate.close())
          )
        : undefined
      const expectations = yield* Expected
      const goneReason = "socketPath" in target ? ("NotFound" as const) : ("Refused" as const)
      const faults =
        gate === undefined
          ? {
              goneReason,
              gone: Effect.dieMessage("this cell has no gate"),
              stall: Effect.dieMessage("this cell has no gate"),
              held: Effect.dieMessage("this cell has no gate")
            }
          : {
              goneReason,
              gone: Effect.promise(() => gate.close()),
              stall: Effect.sync(gate.stall),
              held: untilTrue(Effect.sync(gate.held))
            }
      const compose = Layer.unwrapEffect(
        Effect.map(Effect.promise(composeEnvironment), (environment) => Compose.layerWith({ environment }))
      )
      const all = Layer.provideMerge(compose, services)
      const layer = Layer.merge(others, Layer.provideMerge(all, Docker.layer(way(gate?.address ?? target))))
      const gatedBench = bench(expectations, {
        ...faults,
        registry: Effect.succeed(registry),
        project: (kind) => realProject(kind)
      })
      // What a cell has made is removed over a direct connection, as the gate may be closed.
      const direct = Layer.provideMerge(services, Docker.layer(way(target)))
      const cellBench = gate === undefined ? gatedBench : withDirectServices(gatedBench, yield* Layer.build(direct))
      return yield* Effect.provide(Effect.scoped(cell(cellBench)), layer)
    }).pipe(Effect.scoped)

const withDirectServices = (inner: Bench, direct: Context.Context<Containers | Images | Networks>): Bench => {
  const containers = Context.get(direct, Containers)
  return {
    ...inner,
    created: (command, more) => Effect.provideService(inner.created(command, more), Containers, containers),
    running: (command, more) => Effect.provideService(inner.running(command, more), Containers, containers),
    project: (kind) => Effect.provide(realProject(kind), direct)
  }
}
