/**
 * An engine in memory, for tests and demos: containers run scripted programs, and faults can be injected.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { Containers, type ContainerSpec } from "./Containers.js"
import { Docker, type DockerRequest } from "./Docker.js"
import { ContainerNotFound, ContainerStateConflict, InvalidRequest, type UnavailableReason } from "./DockerError.js"
import type { LogStream } from "./LogEvent.js"
import { MemoryDocker } from "./memory/door.js"
import { Faults, type RequestPattern } from "./memory/faults.js"
import type { MemoryProgram } from "./memory/programs/program.js"
import { RequestLog } from "./memory/requestLog.js"
import { EngineState } from "./memory/state/engineState.js"
import { addFiles, type FileContents } from "./memory/state/fileTree.js"
import type {
  MemoryBuildSpec,
  MemoryImageSpec,
  MemoryRegistryFault,
  MemoryRegistrySpec
} from "./memory/state/images/imageSpec.js"
import type { MemoryLogFault } from "./memory/state/logs/logFaults.js"
import { requireRunning } from "./memory/state/memoryContainer.js"
import { Networks, type NetworkSpec } from "./Networks.js"
import { Volumes, type VolumeSpec } from "./Volumes.js"

export type { RequestPattern } from "./memory/faults.js"
export {
  type MemoryProgram,
  type ProgramRun,
  type ProgramSignals,
  ProgramStep,
  type ProgramUsage
} from "./memory/programs/program.js"
export type { FileContents } from "./memory/state/fileTree.js"
export type {
  MemoryBuildLine,
  MemoryBuildSpec,
  MemoryBuildStep,
  MemoryImageSpec,
  MemoryLayerSpec,
  MemoryRegistryFault,
  MemoryRegistryImageSpec,
  MemoryRegistrySpec,
  MemoryTransferSpec
} from "./memory/state/images/imageSpec.js"

export type { MemoryLogFault } from "./memory/state/logs/logFaults.js"

/**
 * A container that the engine starts with.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryContainerSpec extends ContainerSpec {
  /** Whether to start it. Default `true`. */
  readonly started?: boolean
  /** Files to write before it starts, by absolute path. */
  readonly files?: FileContents
}

/**
 * What the engine starts with.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryEngineOptions {
  /** Default `["busybox"]`. The images of `containers` are added if they are missing. */
  readonly images?: ReadonlyArray<string | MemoryImageSpec>
  /** The registries that the engine can reach. Default: none, so that images cannot be pulled or pushed. */
  readonly registries?: ReadonlyArray<MemoryRegistrySpec>
  /** What builds do instead of what their Dockerfile says. */
  readonly builds?: ReadonlyArray<MemoryBuildSpec>
  /** Created last, in order. */
  readonly containers?: ReadonlyArray<MemoryContainerSpec>
  readonly networks?: ReadonlyArray<NetworkSpec>
  readonly volumes?: ReadonlyArray<VolumeSpec>
  /** The programs that containers and commands in them (exec) run. */
  readonly programs?: ReadonlyArray<MemoryProgram>
  /**
   * The daemon's `log-opts`: defaults for containers with the log driver `json-file`, such as
   * `{ "max-size": "1m", "max-file": "3" }`. Without a `max-size`, logs are kept whole.
   */
  readonly logOptions?: Readonly<Record<string, string>>
  /**
   * How far the engine's clock is ahead of Effect's `Clock`, in milliseconds; negative if it is behind. The engine's
   * timestamps, `since` and `until` go by its own clock, and the header `Date` of its responses tells it. Default 0.
   */
  readonly clockSkew?: number
}

/**
 * Control over an engine in memory. Containers are named by id, unambiguous id prefix, or name.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryEngineShape {
  /** The last 10,000 requests to the engine, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<DockerRequest>>
  /** Writes a line to a container's output, as if its program had. */
  readonly writeLine: (
    container: string,
    stream: LogStream,
    text: string
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict>
  /** Ends a container's program. Completes when the engine has processed the exit. */
  readonly exit: (
    container: string,
    exitCode: number
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict>
  /** Sets the health of a container, as a health check would. */
  readonly setHealth: (
    container: string,
    health: "starting" | "healthy" | "unhealthy"
  ) => Effect.Effect<void, ContainerNotFound>
  /** Drops all but the last `keep` records of a container's log. */
  readonly rotateLog: (container: string, keep: number) => Effect.Effect<void, ContainerNotFound>
  /** Makes a container's log fail. See `MemoryLogFault`. */
  readonly failLog: (container: string, fault: MemoryLogFault) => Effect.Effect<void, ContainerNotFound>
  /**
   * Makes the engine unreachable until `heal`: open connections break, and requests fail with `reason` (default `Refused`).
   * Its containers keep running.
   */
  readonly goOffline: (reason?: Exclude<UnavailableReason, "Lost">) => Effect.Effect<void>
  /** Delays the responses to matching requests. */
  readonly slow: (requests: RequestPattern, delay: Duration.DurationInput) => Effect.Effect<void>
  /** Refuses matching requests with an error response. They have no effect. */
  readonly refuse: (requests: RequestPattern, status: number, message: string) => Effect.Effect<void>
  /** Breaks all open connections. */
  readonly cut: Effect.Effect<void>
  /** Breaks each new stream, or only the next `times`, after it has transferred `bytes`. */
  readonly cutAfter: (bytes: number, options?: { readonly times?: number }) => Effect.Effect<void>
  /** Makes a registry fail until `heal`: `docker.io`, or a host with its port. */
  readonly failRegistry: (registry: string, fault: MemoryRegistryFault) => Effect.Effect<void>
  /**
   * Ends the effects of `goOffline`, `slow`, `refuse`, `cutAfter` and `failRegistry`. Of `failLog` it ends what has yet to
   * come, and mute streams continue.
   */
  readonly heal: Effect.Effect<void>
}

/** Creates the handles that control an engine. */
const makeHandles = (state: EngineState, faults: Faults, requestLog: RequestLog): MemoryEngineShape => {
  const find = (containerId: string) =>
    Effect.suspend(() =>
      Either.mapLeft(
        state.findContainer(containerId),
        ({ message }) => new ContainerNotFound({ containerId, detail: message })
      )
    )
  const findProcess = (containerId: string) =>
    Effect.flatMap(find(containerId), (container) =>
      Either.mapBoth(requireRunning(container), {
        onLeft: ({ message }) => new ContainerStateConflict({ containerId, state: "stopped", detail: message }),
        onRight: ({ process }) => process
      })
    )
  return {
    requests: Effect.sync(() => requestLog.requests),
    writeLine: (id, stream, text) =>
      Effect.flatMap(findProcess(id), (process) => process.write(stream, new TextEncoder().encode(`${text}\n`))),
    exit: (id, exitCode) =>
      Effect.flatMap(findProcess(id), (process) => {
        process.kill(exitCode)
        return process.awaitExit
      }),
    setHealth: (id, health) =>
      Effect.flatMap(find(id), (container) => {
        container.health = health
        return state.emitContainerEvent(container, `health_status: ${health}`)
      }),
    rotateLog: (id, keep) => Effect.map(find(id), ({ log }) => log.keepLast(keep)),
    failLog: (id, fault) => Effect.map(find(id), ({ log }) => log.fail(fault)),
    goOffline: (reason = "Refused") =>
      Effect.sync(() => {
        faults.offline = reason
        faults.breakConnections()
      }),
    slow: (requests, delay) => Effect.sync(() => faults.add(requests, { _tag: "Delay", delay })),
    refuse: (requests, status, message) => Effect.sync(() => faults.add(requests, { _tag: "Refuse", status, message })),
    cut: Effect.sync(() => faults.breakConnections()),
    cutAfter: (bytes, { times } = {}) => Effect.sync(() => faults.limitStreams(bytes, times)),
    failRegistry: (registry, fault) => Effect.sync(() => state.registries.faults.set(registry, fault)),
    heal: Effect.sync(() => {
      faults.clear()
      state.registries.faults.clear()
      for (const { log } of state.containers.values()) log.heal()
    })
  }
}

const invalidOption = (field: string, value: string) =>
  Effect.mapError(({ message }: { readonly message: string }) => new InvalidRequest({ field, value, detail: message }))

/** Creates what the engine starts with, through its own API. */
const populate = (
  state: EngineState,
  docker: MemoryDocker,
  { containers = [], images = ["busybox"], networks = [], registries = [], volumes = [] }: MemoryEngineOptions
) =>
  Effect.gen(function* () {
    yield* state.networks.addPredefined(state.clock)
    for (const image of images) {
      yield* state.images.add(typeof image === "string" ? { name: image } : image)
    }
    for (const registry of registries) yield* state.registries.add(registry)
    const services = yield* Layer.build(
      Layer.mergeAll(Containers.layer, Networks.layer, Volumes.layer).pipe(Layer.provide(Layer.succeed(Docker, docker)))
    )
    for (const spec of networks) {
      yield* Context.get(services, Networks).create(spec).pipe(invalidOption("networks", spec.name))
    }
    for (const spec of volumes) {
      yield* Context.get(services, Volumes)
        .create(spec)
        .pipe(invalidOption("volumes", spec.name ?? ""))
    }
    const service = Context.get(services, Containers)
    for (const { files = {}, started = true, ...spec } of containers) {
      if (Either.isLeft(state.images.find(spec.image))) yield* state.images.add({ name: spec.image })
      yield* Effect.gen(function* () {
        const { id } = yield* service.create(spec)
        const container = state.containers.get(id)
        if (container !== undefined) yield* addFiles(container.files, files, yield* state.clock.now)
        if (started) yield* service.start(id)
      }).pipe(invalidOption("containers", spec.name ?? spec.image))
    }
  })

const make = (options: MemoryEngineOptions) =>
  Effect.gen(function* () {
    const state = new EngineState(
      yield* Effect.scope,
      options.programs ?? [],
      options.logOptions ?? {},
      options.clockSkew ?? 0,
      options.builds ?? []
    )
    const faults = new Faults()
    const requestLog = new RequestLog()
    const docker = new MemoryDocker(state, faults, requestLog)
    yield* populate(state, docker, options)
    // Only the requests of the program under test count.
    requestLog.clear()
    return Context.make(Docker, docker).pipe(Context.add(MemoryEngine, makeHandles(state, faults, requestLog)))
  })

/**
 * A Docker engine in memory. It provides `Docker`, so that all services run their real code against it, and `MemoryEngine` to
 * control it.
 *
 * It behaves like Docker Engine 26: containers run scripted programs (`MemoryProgram`) and have logs, commands, files,
 * volumes, networks and events. Time is Effect's `Clock`, so that a `TestClock` controls it.
 *
 * Images consist of standard directories and the given files. They are pulled from and pushed to scripted registries
 * (`MemoryRegistrySpec`): layers have sizes and durations and no content, and no other registry can be reached. Builds run
 * in a simulation of the classic builder. It reads the uploaded context and the Dockerfile, sets what the instructions set,
 * and copies files; but no command of a `RUN` is executed: each succeeds and prints nothing, unless a `MemoryBuildSpec` says
 * otherwise. Bases must be in the engine or in a registry. There is no BuildKit: `POST /session` is answered with 404, and
 * secrets, ssh and other mounts are refused.
 *
 * @since 0.1.0
 * @category tags
 *
 * @example
 * ```ts
 * import { Containers, Logs, MemoryEngine, ProgramStep } from "@dockwire/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const engine = MemoryEngine.layer({
 *   programs: [{ image: "shop", run: () => Stream.make(ProgramStep.line("ready"), ProgramStep.exit(3)) }],
 *   containers: [{ name: "shop", image: "shop" }]
 * })
 * const program = Effect.gen(function* () {
 *   const { exitCode } = yield* (yield* Containers).wait("shop")
 *   const lines = yield* Stream.runCollect((yield* Logs).read("shop"))
 *   return { exitCode, lines: Array.from(lines, ({ text }) => text) }
 * })
 *
 * const live = Layer.merge(Containers.layer, Logs.layer).pipe(Layer.provide(engine))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 */
export class MemoryEngine extends Context.Tag("@dockwire/core/MemoryEngine")<MemoryEngine, MemoryEngineShape>() {
  /**
   * Starts an engine that lives as long as the layer. Fails with `InvalidRequest` if the engine rejects one of the options.
   */
  static readonly layer = (options: MemoryEngineOptions = {}): Layer.Layer<Docker | MemoryEngine, InvalidRequest> =>
    Layer.scopedContext(make(options))
}
