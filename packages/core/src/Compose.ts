/**
 * Docker Compose: projects as operations, through the compose command.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import type {
  ComposeFailed,
  EngineUnavailable,
  ImageNotFound,
  InvalidRequest,
  PortAllocated,
  RegistryError
} from "./DockerError.js"
import type { ComposeProject } from "./internal/compose/cli/composeProject.js"
import { cliDoor } from "./internal/compose/door/cliDoor.js"
import type { ComposeLogElement, ComposeLogOptions } from "./internal/compose/logs/projectLogs.js"
import type { ComposeProjectSummary } from "./internal/compose/project/listProjects.js"
import type { ComposeContainer } from "./internal/compose/project/containerModel.js"
import type { ComposeEvent } from "./internal/compose/project/projectEvents.js"
import type { ComposeStatus } from "./internal/compose/project/projectStatus.js"
import type { ComposeConfig } from "./internal/compose/run/composeConfig.js"
import { composeMethods } from "./internal/compose/run/composeMethods.js"
import type { ComposeOutcome, ComposeOutput, ComposeVersion } from "./internal/compose/run/composeModels.js"
import type {
  ComposeBuildOptions,
  ComposeCommandOptions,
  ComposeConfigOptions,
  ComposeDownOptions,
  ComposeEventsOptions,
  ComposeOptions,
  ComposePullOptions,
  ComposeStartOptions,
  ComposeStatusOptions,
  ComposeStopOptions,
  ComposeUpOptions
} from "./internal/compose/run/composeOptions.js"
import type { Operation } from "./Operation.js"
import { RegistryAuth } from "./RegistryAuth.js"

export type { ComposeProject, ComposeProjectSpec } from "./internal/compose/cli/composeProject.js"
export type { ComposeLogElement, ComposeLogOptions } from "./internal/compose/logs/projectLogs.js"
export { ComposeProjectSummary } from "./internal/compose/project/listProjects.js"
export { ComposeContainer } from "./internal/compose/project/containerModel.js"
export { ComposeEvent } from "./internal/compose/project/projectEvents.js"
export { ComposeStatus } from "./internal/compose/project/projectStatus.js"
export { ComposeConfig, ComposeServiceConfig } from "./internal/compose/run/composeConfig.js"
export { ComposeOutcome, ComposeOutput, ComposeVersion } from "./internal/compose/run/composeModels.js"
export type {
  ComposeBuildOptions,
  ComposeBusyOptions,
  ComposeCommandOptions,
  ComposeConfigOptions,
  ComposeDownOptions,
  ComposeEventsOptions,
  ComposeOptions,
  ComposePullOptions,
  ComposeStartOptions,
  ComposeStatusOptions,
  ComposeStopOptions,
  ComposeUpOptions,
  ComposeWaitOptions
} from "./internal/compose/run/composeOptions.js"

/** What every operation can fail with. */
type OperationError = ComposeFailed | PortAllocated | ImageNotFound | RegistryError | EngineUnavailable

/**
 * The service `Compose`. A project is the path of its folder or of its file, or a `ComposeProjectSpec`.
 *
 * Every operation has a line for each line that compose prints, and the progress of each container, network, volume and image,
 * with the bytes of layers where compose tells them. Interrupting an operation ends compose, with every process that it has
 * started; nothing is undone, and the last event says what is left. Operations that change the same project of the same
 * engine run one after the other. `down`, `stop`, `start` and `restart` find what belongs to a project by its labels: one of
 * which only the `name` is given needs no files.
 *
 * They fail with a `ComposeFailed` whose reason says why; with `PortAllocated` if a port is in use; with `ImageNotFound` or
 * `RegistryError` if an image cannot be pulled; and with `EngineUnavailable` if the engine cannot be reached.
 *
 * @since 0.1.0
 * @category services
 */
export interface ComposeShape {
  /**
   * Creates and starts the containers of a project, in the background, of kind `run_compose`. A folder that a service mounts
   * and that is missing on the engine's host, where compose may create it, is a line before. `docker compose up --detach`
   *
   * With `wait`, it ends when the project is ready, or the `services` with those that they depend on, by what the engine tells.
   * A service that has ended with 0 is ready, unless it publishes ports, others need it to be healthy, or it should always be
   * restarted. The operation fails at once, with the last lines of the service's log, if a service has ended with another code,
   * is unhealthy, or is restarted by the engine.
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const up = Effect.flatMap(Compose, (compose) => Operation.run(compose.up("shop", { wait: { timeout: "2 minutes" } })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(up).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly up: (project: ComposeProject, options?: ComposeUpOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Stops and removes the containers and networks of a project, of all profiles and with orphans unless told otherwise, of kind
   * `stop_compose`. `docker compose down`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const down = Effect.flatMap(Compose, (compose) => Operation.run(compose.down("shop", { volumes: true })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(down).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly down: (project: ComposeProject, options?: ComposeDownOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Stops containers, of kind `compose_stop`. `docker compose stop`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const stop = Effect.flatMap(Compose, (compose) => Operation.run(compose.stop("shop", { services: ["web"] })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(stop).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly stop: (project: ComposeProject, options?: ComposeStopOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Starts containers that exist, of kind `compose_start`. `docker compose start`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const start = Effect.flatMap(Compose, (compose) => Operation.run(compose.start("shop", { services: ["web"] })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(start).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly start: (project: ComposeProject, options?: ComposeStartOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Restarts containers, of kind `restart_compose`. `docker compose restart`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const restart = Effect.flatMap(Compose, (compose) => Operation.run(compose.restart("shop", { stopTimeout: "3 seconds" })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(restart).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly restart: (project: ComposeProject, options?: ComposeStopOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Pulls the images of services, of kind `pull_images`. `docker compose pull`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const pull = Effect.flatMap(Compose, (compose) => Operation.run(compose.pull("shop", { ignoreFailures: true })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(pull).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly pull: (project: ComposeProject, options?: ComposePullOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Builds the images of services, of kind `compose_build`. `docker compose build`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const build = Effect.flatMap(Compose, (compose) => Operation.run(compose.build("shop", { noCache: true })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(build).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly build: (project: ComposeProject, options?: ComposeBuildOptions) => Operation<ComposeOutcome, OperationError>
  /**
   * Runs any other command, such as `["exec", "-T", "web", "ls"]`, of kind `compose_<command>`. The standard output of
   * `config`, which has the values of all variables, is in the result and in no event. `docker compose <command>`
   *
   * @example
   * ```ts
   * import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const command = Effect.flatMap(Compose, (compose) => Operation.run(compose.command("shop", ["exec", "-T", "web", "ls"])))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(Effect.either(command).pipe(Effect.provide([live, LogSink.layerConsole]))))
   * ```
   */
  readonly command: (
    project: ComposeProject,
    args: ReadonlyArray<string>,
    options?: ComposeCommandOptions
  ) => Operation<ComposeOutput, OperationError>
  /**
   * Reads and checks the files of a project. It takes no engine. `docker compose config`
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => Effect.either(compose.config("shop")))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly config: (
    project: ComposeProject,
    options?: ComposeConfigOptions
  ) => Effect.Effect<ComposeConfig, OperationError>
  /**
   * The containers of a project, those of `compose run` too, by service and number. Takes the engine only, unless the name of
   * the project is not in its files. A project of which only the `name` is given needs no files. `GET /containers/json`
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => compose.ps({ name: "shop" }))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly ps: (
    project: ComposeProject
  ) => Effect.Effect<ReadonlyArray<ComposeContainer>, ComposeFailed | EngineUnavailable>
  /**
   * Whether a project is up, and which services are missing. A service that has ended with 0 by itself is done and not missing,
   * under the conditions that `up` has for it. Whether it was told to end, the engine knows by its last 256 events. Which
   * services there should be, compose reads in the files: once, and again when they, the variables or the options have changed,
   * but each time if a file includes or extends another. It does not check what only a container needs, such as `env_file`.
   * `GET /containers/json`; for what has ended with 0, `GET /containers/{id}/json` and `GET /events`
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => compose.status({ name: "shop" }, { expected: "containers" }))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly status: (
    project: ComposeProject,
    options?: ComposeStatusOptions
  ) => Effect.Effect<ComposeStatus, ComposeFailed | EngineUnavailable>
  /**
   * The projects that have containers on the engine, by name, whoever has made them. `GET /containers/json`
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => compose.ls())
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly ls: () => Effect.Effect<ReadonlyArray<ComposeProjectSummary>, ComposeFailed | EngineUnavailable>
  /**
   * The events of a project's containers from now on. Ends at `until`, otherwise never: a lost connection fails with
   * `EngineUnavailable`. `GET /events`
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer, Stream } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => Stream.runCollect(compose.events({ name: "shop" }, { until: new Date() })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly events: (
    project: ComposeProject,
    options?: ComposeEventsOptions
  ) => Stream.Stream<ComposeEvent, ComposeFailed | InvalidRequest | EngineUnavailable>
  /**
   * The logs of a project's containers, each line once, without those of `compose run`. What exists already is in the order of
   * time. With `follow`, without end, and across lost connections and the recreation of containers, as `Logs.follow`: marks
   * are between the lines, containers that are started later are included from their first line, and lines that arrive within
   * 100 milliseconds of each other are in order. Existing lines for which the engine takes more than 2 seconds may come late.
   * A log that can't be read is an `engine_error` mark. `GET /containers/{id}/logs`, `GET /containers/json`, `GET /events`
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer, Stream } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => Stream.runCollect(compose.logs({ name: "shop" }, { tail: 10 })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly logs: (
    project: ComposeProject,
    options?: ComposeLogOptions
  ) => Stream.Stream<ComposeLogElement, ComposeFailed | InvalidRequest | EngineUnavailable>
  /**
   * Like `logs`, in arrays of the elements that are handed over together. Use it when throughput matters.
   *
   * @example
   * ```ts
   * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
   * import { Effect, Layer, Stream } from "effect"
   *
   * const program = Effect.flatMap(Compose, (compose) => Stream.runCount(compose.logsBatches({ name: "shop" })))
   * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly logsBatches: (
    project: ComposeProject,
    options?: ComposeLogOptions
  ) => Stream.Stream<ReadonlyArray<ComposeLogElement>, ComposeFailed | InvalidRequest | EngineUnavailable>
  /**
   * The compose command that is used. Fails with reason `NotInstalled`, and with what was tried, if there is none.
   * `docker compose version`
   */
  readonly version: () => Effect.Effect<ComposeVersion, ComposeFailed>
}

/**
 * Projects of Docker Compose, version 2.26 or newer, on the engine behind `Docker`.
 *
 * The command is the plugin `docker-compose` itself, from where the docker command would take it, and so the start of the docker
 * command is saved; or else `docker compose`, or else `docker-compose`. It is what `docker compose` runs, with the same
 * arguments, output and exit codes.
 *
 * Compose gets an environment that is built, not inherited: of this process' variables it has those without which it does not
 * work, such as `PATH` and `HOME`. A project sees others only if its `env` names them, or with `inheritEnv`. The credentials
 * that `RegistryAuth` was given are passed on; those that are configured, compose finds by itself. For tests of programs that
 * use it, there is `MemoryCompose`.
 *
 * @example
 * ```ts
 * import { Compose, Docker, RegistryAuth } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { command, version } = yield* (yield* Compose).version()
 *   return `${command.join(" ")} ${version}`
 * }).pipe(Effect.catchTag("ComposeFailed", (error) => Effect.succeed(error.message)))
 *
 * const live = Compose.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Compose extends Context.Tag("@dockwire/core/Compose")<Compose, ComposeShape>() {
  /**
   * Projects on the engine behind `Docker`. Compose is searched for when it is first needed.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layerWith = (options: ComposeOptions): Layer.Layer<Compose, never, Docker | RegistryAuth> =>
    Layer.effect(
      Compose,
      Effect.all([Docker, RegistryAuth]).pipe(
        Effect.flatMap(([docker, auth]) => cliDoor(docker, auth, options)),
        Effect.map(composeMethods)
      )
    )

  /**
   * Projects on the engine behind `Docker`, with the compose command of this machine.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Compose, never, Docker | RegistryAuth> = Compose.layerWith({})
}
