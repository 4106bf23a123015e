import {
  Archive,
  Containers,
  type ContainerSpec,
  type DockerError,
  Docker,
  Events,
  Exec,
  Logs,
  MemoryEngine,
  Networks,
  Stats,
  System,
  Volumes
} from "@dockwire/core"
import { Duration, Effect, Layer, Schedule, type Scope } from "effect"
import { busyboxImage } from "../engine/busyboxImage.js"
import { uniqueName } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import { openEngineGate } from "./engineGate.js"

/** The engines that must answer alike. */
export type EngineName = "real" | "memory"

/** What is tested. */
export type Services = Archive | Containers | Docker | Events | Exec | Logs | Networks | Stats | System | Volumes

/** What a cell works with. */
export interface Bench {
  readonly engine: EngineName
  /** A name that nothing has. */
  readonly name: (word?: string) => string
  readonly labels: Readonly<Record<string, string>>
  /** A container of busybox. */
  readonly spec: (
    command: ReadonlyArray<string>,
    more?: Partial<ContainerSpec>
  ) => ContainerSpec & { readonly name: string }
  /** One that is made, and removed with the scope. */
  readonly created: (
    command: ReadonlyArray<string>,
    more?: Partial<ContainerSpec>
  ) => Effect.Effect<{ readonly id: string; readonly name: string }, DockerError, Containers | Scope.Scope>
  /** One that runs, and is removed with the scope. */
  readonly running: (
    command?: ReadonlyArray<string>,
    more?: Partial<ContainerSpec>
  ) => Effect.Effect<{ readonly id: string; readonly name: string }, DockerError, Containers | Scope.Scope>
  /** Nothing answers any more; connections are broken. */
  readonly gone: Effect.Effect<void>
  /** From now on no request is answered. */
  readonly stall: Effect.Effect<void>
  /** Done when one has come since. */
  readonly held: Effect.Effect<void>
}

const services = Layer.mergeAll(
  Archive.layer,
  Containers.layer,
  Events.layer,
  Exec.layer,
  Logs.layer,
  Networks.layer,
  Stats.layer,
  System.layer,
  Volumes.layer
)

const untilTrue = (condition: Effect.Effect<boolean>) =>
  Effect.asVoid(Effect.repeat(condition, { until: (held) => held, schedule: Schedule.spaced(Duration.millis(5)) }))

const bench = (engine: EngineName, faults: Pick<Bench, "gone" | "stall" | "held">): Bench => {
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
    engine,
    name: uniqueName,
    labels,
    spec,
    created,
    running: (command = ["sleep", "300"], more = {}) =>
      Effect.gen(function* () {
        const made = yield* created(command, more)
        yield* (yield* Containers).start(made.id)
        return made
      }),
    ...faults
  }
}

/** Runs a cell against the engine in memory. */
export const onMemory = <A, E>(cell: (bench: Bench) => Effect.Effect<A, E, Services | Scope.Scope>) => {
  const program = Effect.gen(function* () {
    const engine = yield* MemoryEngine
    let asked = 0
    return yield* cell(
      bench("memory", {
        gone: engine.gone("NotFound"),
        stall: Effect.zipRight(
          Effect.map(engine.requests, ({ length }) => void (asked = length)),
          engine.slow({}, Duration.infinity)
        ),
        held: untilTrue(Effect.map(engine.requests, ({ length }) => length > asked))
      })
    )
  })
  return program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(services, MemoryEngine.layer())))
}

/** Runs a cell against a real engine; `gated` where it shuts the way to it. */
export const onReal =
  (endpoint: string, gated: boolean) =>
  <E>(cell: (bench: Bench) => Effect.Effect<unknown, E, Services | Scope.Scope>) =>
    Effect.gen(function* () {
      const gate = gated
        ? yield* Effect.acquireRelease(
            Effect.promise(() => openEngineGate(endpoint)),
            (gate) => Effect.promise(() => gate.close())
          )
        : undefined
      const faults =
        gate === undefined
          ? {
              gone: Effect.dieMessage("no gate"),
              stall: Effect.dieMessage("no gate"),
              held: Effect.dieMessage("no gate")
            }
          : {
              gone: Effect.promise(() => gate.close()),
              stall: Effect.sync(gate.stall),
              held: untilTrue(Effect.sync(gate.held))
            }
      const layer = Layer.provideMerge(services, Docker.layer({ endpoint: gate?.endpoint ?? endpoint }))
      // What the cell made is removed over a way of its own, as the gate may be shut.
      const containers = gate === undefined ? undefined : bench("real", faults)
      const direct = Effect.provide(Containers, Layer.provide(Containers.layer, Docker.layer({ endpoint })))
      const whole = containers === undefined ? bench("real", faults) : around(containers, yield* direct)
      return yield* Effect.provide(Effect.scoped(cell(whole)), layer)
    }).pipe(Effect.scoped)

const around = (inner: Bench, direct: Effect.Effect.Success<typeof Containers>): Bench => ({
  ...inner,
  created: (command, more) => Effect.provideService(inner.created(command, more), Containers, direct),
  running: (command, more) => Effect.provideService(inner.running(command, more), Containers, direct)
})
