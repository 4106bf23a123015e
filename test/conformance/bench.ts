import {
  Archive,
  Containers,
  type ContainerSpec,
  type DockerError,
  Docker,
  Events,
  Exec,
  Host,
  Logs,
  MemoryEngine,
  Networks,
  Stats,
  System,
  Volumes
} from "@dockwire/core"
import { Context, Duration, Effect, Layer, Schedule, type Scope } from "effect"
import { busyboxImage } from "../engine/busyboxImage.js"
import { uniqueName } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import { Expected, type Expectations } from "./differences.js"
import { openEngineGate } from "./engineGate.js"
import type { RealEngine } from "./realEngines.js"

/** What is tested. */
export type Services = Archive | Containers | Docker | Events | Exec | Host | Logs | Networks | Stats | System | Volumes

/** What a cell works with. */
export interface Bench {
  /** What this engine does in place of what 26.1 does. */
  readonly expected: Expectations["expected"]
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
  /** What whoever asks is then told: no socket is there, or a port refuses. */
  readonly goneReason: "NotFound" | "Refused"
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
  Host.layer,
  Logs.layer,
  Networks.layer,
  Stats.layer,
  System.layer,
  Volumes.layer
)

const untilTrue = (condition: Effect.Effect<boolean>) =>
  Effect.asVoid(Effect.repeat(condition, { until: (held) => held, schedule: Schedule.spaced(Duration.millis(5)) }))

const bench = (expectations: Expectations, faults: Pick<Bench, "gone" | "goneReason" | "stall" | "held">): Bench => {
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
    const expectations = yield* Expected
    let asked = 0
    return yield* cell(
      bench(expectations, {
        gone: engine.gone("NotFound"),
        goneReason: "NotFound",
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
  ({ target, way }: RealEngine, gated: boolean) =>
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
              gone: Effect.dieMessage("no gate"),
              stall: Effect.dieMessage("no gate"),
              held: Effect.dieMessage("no gate")
            }
          : {
              goneReason,
              gone: Effect.promise(() => gate.close()),
              stall: Effect.sync(gate.stall),
              held: untilTrue(Effect.sync(gate.held))
            }
      const layer = Layer.provideMerge(services, Docker.layer(way(gate?.address ?? target)))
      // What the cell made is removed over a way of its own, as the gate may be shut.
      const direct = Layer.provide(Containers.layer, Docker.layer(way(target)))
      const own = bench(expectations, faults)
      const whole = gate === undefined ? own : around(own, Context.get(yield* Layer.build(direct), Containers))
      return yield* Effect.provide(Effect.scoped(cell(whole)), layer)
    }).pipe(Effect.scoped)

const around = (inner: Bench, direct: Effect.Effect.Success<typeof Containers>): Bench => ({
  ...inner,
  created: (command, more) => Effect.provideService(inner.created(command, more), Containers, direct),
  running: (command, more) => Effect.provideService(inner.running(command, more), Containers, direct)
})
