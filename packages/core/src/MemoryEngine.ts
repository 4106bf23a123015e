import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Containers, type ContainerSpec } from "./Containers.js"
import { Docker, type DockerRequest } from "./Docker.js"
import { ContainerNotFound, ContainerStateConflict, InvalidRequest, type UnavailableReason } from "./DockerError.js"
import { isRunning, said } from "./memory/containers/startContainer.js"
import { makeMemoryDocker } from "./memory/door.js"
import { EngineState, type MemoryContainer } from "./memory/state/engineState.js"
import { Faults, type RequestPattern } from "./memory/faults.js"
import { addFiles, addImage, type FileContents } from "./memory/routes/imageRoutes.js"
import { predefinedNetworks } from "./memory/routes/networkRoutes.js"
import type { MemoryProgram } from "./memory/programs/program.js"
import type { LogStream } from "./LogEvent.js"
import { Networks, type NetworkSpec } from "./Networks.js"
import { Volumes, type VolumeSpec } from "./Volumes.js"

export type { FileContents } from "./memory/routes/imageRoutes.js"
export type { RequestPattern } from "./memory/faults.js"
export {
  type MemoryProgram,
  type ProgramRun,
  type ProgramSignals,
  ProgramStep,
  type ProgramUsage
} from "./memory/programs/program.js"

/** An image that the engine has from the beginning. */
export interface MemoryImageSpec {
  readonly name: string
  /** What its containers run when they are not given a command. Default `["sh"]`. */
  readonly command?: ReadonlyArray<string>
  /** Files that its containers begin with, by their absolute paths. */
  readonly files?: FileContents
}

/** A container that the engine has from the beginning. */
export interface MemoryContainerSpec extends ContainerSpec {
  /** Whether it runs. Default true. */
  readonly started?: boolean
  /** Files that are in it before it starts, by their absolute paths. */
  readonly files?: FileContents
}

/** What the engine has from the beginning. */
export interface MemoryEngineOptions {
  /** Default `busybox:latest`; the images of `containers` are there in any case. */
  readonly images?: ReadonlyArray<string | MemoryImageSpec>
  readonly containers?: ReadonlyArray<MemoryContainerSpec>
  /** Made before the containers. */
  readonly networks?: ReadonlyArray<NetworkSpec>
  /** Made before the containers. */
  readonly volumes?: ReadonlyArray<VolumeSpec>
  /** What containers and commands in them run. */
  readonly programs?: ReadonlyArray<MemoryProgram>
  /**
   * The `log-opts` of the engine's configuration, for containers of the driver `json-file` that bring none of their own:
   * `{ "max-size": "1m", "max-file": "3" }`. A log is kept whole where neither says how much of it.
   */
  readonly logOptions?: Readonly<Record<string, string>>
}

/** The shape of `MemoryEngine`. A container is named by its id, a beginning of that, or its name. */
export interface MemoryEngineShape {
  /** What was asked of the engine, oldest first: the last 10,000 requests. */
  readonly requests: Effect.Effect<ReadonlyArray<DockerRequest>>
  /** Writes a line into the container's output, as if its program did. */
  readonly writeLine: (
    container: string,
    stream: LogStream,
    text: string
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict>
  /** Ends the container's program; done when all that comes of that is done. */
  readonly exit: (
    container: string,
    exitCode: number
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict>
  /** Gives the container a health, as its check would. */
  readonly setHealth: (
    container: string,
    health: "starting" | "healthy" | "unhealthy"
  ) => Effect.Effect<void, ContainerNotFound>
  /** Drops the oldest records of the container's log, so that the last `keep` are left. */
  readonly rotateLog: (container: string, keep: number) => Effect.Effect<void, ContainerNotFound>
  /**
   * The engine is out of reach: connections break, and requests fail with this reason (default `Refused`) until `heal`. Its
   * containers run on meanwhile.
   */
  readonly gone: (reason?: Exclude<UnavailableReason, "Lost">) => Effect.Effect<void>
  /** Holds back the answers to matching requests. */
  readonly slow: (requests: RequestPattern, delay: Duration.DurationInput) => Effect.Effect<void>
  /** Refuses matching requests with this status and these words, and does nothing else about them. */
  readonly refuse: (requests: RequestPattern, status: number, message: string) => Effect.Effect<void>
  /** Breaks all connections that are open now. */
  readonly cut: Effect.Effect<void>
  /** Breaks each stream that is opened from now on (the next ones, where `times` says how many) after so many bytes. */
  readonly cutAfter: (bytes: number, options?: { readonly times?: number }) => Effect.Effect<void>
  /** Ends `gone`, `slow`, `refuse` and `cutAfter`. */
  readonly heal: Effect.Effect<void>
}

const endpoint = "memory://engine"

const handles = (state: EngineState, faults: Faults): MemoryEngineShape => {
  const find = (id: string): Effect.Effect<MemoryContainer, ContainerNotFound> =>
    Effect.suspend(() => {
      const container = state.container(id)
      return "settings" in container
        ? Effect.succeed(container)
        : Effect.fail(new ContainerNotFound({ containerId: id, detail: container.message }))
    })
  const process = (id: string) =>
    Effect.flatMap(find(id), (container) =>
      container.run !== undefined && isRunning(container)
        ? Effect.succeed(container.run.process)
        : Effect.fail(
            new ContainerStateConflict({
              containerId: id,
              state: "stopped",
              detail: `container ${container.id} is not running`
            })
          )
    )
  return {
    requests: Effect.sync(() => [...faults.requests]),
    writeLine: (id, stream, text) =>
      Effect.flatMap(process(id), (running) => running.write(stream, new TextEncoder().encode(`${text}\n`))),
    exit: (id, exitCode) =>
      Effect.flatMap(process(id), (running) => {
        running.kill(exitCode)
        return running.awaitExit
      }),
    setHealth: (id, health) =>
      Effect.flatMap(find(id), (container) => {
        container.health = health
        return said(state, container, `health_status: ${health}`)
      }),
    rotateLog: (id, keep) => Effect.map(find(id), ({ log }) => log.rotate(keep)),
    gone: (reason = "Refused") =>
      Effect.sync(() => {
        faults.gone = reason
        faults.cutNow()
      }),
    slow: (requests, delay) => Effect.sync(() => faults.add(requests, { _tag: "Slow", delay })),
    refuse: (requests, status, message) => Effect.sync(() => faults.add(requests, { _tag: "Answer", status, message })),
    cut: Effect.sync(() => faults.cutNow()),
    cutAfter: (bytes, { times } = {}) => Effect.sync(() => faults.cutAfter(bytes, times)),
    heal: Effect.sync(() => faults.clear())
  }
}

const make = ({
  containers = [],
  images = ["busybox"],
  logOptions = {},
  networks = [],
  programs = [],
  volumes = []
}: MemoryEngineOptions) =>
  Effect.gen(function* () {
    const state = new EngineState(yield* Effect.scope, programs, logOptions)
    const faults = new Faults()
    const door = makeMemoryDocker(state, faults, endpoint)
    yield* predefinedNetworks(state)
    for (const image of images) {
      const { command = ["sh"], files, name } = typeof image === "string" ? { name: image, files: {} } : image
      yield* addImage(state, name, command, files)
    }
    const services = yield* Layer.build(
      Layer.mergeAll(Containers.layer, Networks.layer, Volumes.layer).pipe(Layer.provide(Layer.succeed(Docker, door)))
    )
    const wrong = (field: string, value: string) =>
      Effect.mapError(
        ({ message }: { readonly message: string }) => new InvalidRequest({ field, value, detail: message })
      )
    for (const spec of networks) {
      yield* Context.get(services, Networks).create(spec).pipe(wrong("networks", spec.name))
    }
    for (const spec of volumes) {
      yield* Context.get(services, Volumes)
        .create(spec)
        .pipe(wrong("volumes", spec.name ?? ""))
    }
    const service = Context.get(services, Containers)
    for (const { files = {}, started = true, ...spec } of containers) {
      if (!("id" in state.image(spec.image))) yield* addImage(state, spec.image, ["sh"])
      yield* Effect.gen(function* () {
        const { id } = yield* service.create(spec)
        const container = state.containers.get(id)
        if (container !== undefined) yield* addFiles(container.files, files, yield* state.clock.now)
        if (started) yield* service.start(id)
      }).pipe(wrong("containers", spec.name ?? spec.image))
    }
    // What was asked until here was not asked by a user.
    faults.requests.length = 0
    return Context.make(Docker, door).pipe(Context.add(MemoryEngine, handles(state, faults)))
  })

/**
 * An engine in memory behind `Docker`: containers whose programs are scripted, with their logs, commands, volumes, networks
 * files and events. All that is above the door is the real code. It answers as Docker Engine 26 does, keeps the time of
 * Effect's `Clock`, and goes wrong on demand. It pulls and builds no images. Its containers begin with empty folders and
 * the files that they are given.
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
  /** An engine that lives as long as the layer. */
  static readonly layer = (options: MemoryEngineOptions = {}): Layer.Layer<Docker | MemoryEngine, InvalidRequest> =>
    Layer.scopedContext(make(options))
}
