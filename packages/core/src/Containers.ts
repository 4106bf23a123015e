/**
 * Containers: list, inspect, create, start, stop, wait, remove, and more.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Docker, type DockerShape } from "./Docker.js"
import {
  type ContainerNotFound,
  type ContainerStateConflict,
  type DockerFailure,
  ImageNotFound,
  type InvalidRequest,
  type NameConflict,
  type PortAllocated,
  type PruneInProgress,
  type WaitFailed
} from "./DockerError.js"
import { Images } from "./Images.js"
import type { PruneReport } from "./internal/api/filters.js"
import { traced } from "./internal/api/traced.js"
import { containerCollection, type ContainerListOptions } from "./internal/containers/containerCollection.js"
import { containerInspection } from "./internal/containers/containerInspection.js"
import type {
  ContainerDetails,
  ContainerExit,
  ContainerSummary,
  CreatedContainer,
  FileChange,
  ProcessTable
} from "./internal/containers/containerModels.js"
import type { ContainerLimits, ContainerSpec } from "./internal/containers/spec/containerSpec.js"
import { type ContainerStopOptions, containerVerbs, type StartResult } from "./internal/containers/containerVerbs.js"
import { runSpec } from "./internal/containers/spec/runSpec.js"
import {
  acquireContainer,
  changedElsewhere,
  mapSpecErrors,
  scopedContainer
} from "./internal/containers/scopedContainer.js"
import { attachTo } from "./internal/exec/attach.js"
import { collectRun, streamRun } from "./internal/exec/attachedRun.js"
import type { ExecOutput, ExecResult } from "./internal/exec/execModels.js"
import { isForPlatform, parsePlatform } from "./internal/registry/imagePlatform.js"
import { type WaitCondition, waitForContainer, type WaitOptions } from "./internal/watch/containerWait.js"
import type { LogSink } from "./LogSink.js"
import { Operation } from "./Operation.js"

export { ContainerState } from "./internal/api/containerState.js"

export { PruneReport } from "./internal/api/filters.js"

export type { ContainerListOptions } from "./internal/containers/containerCollection.js"

export {
  ContainerDetails,
  ContainerExit,
  ContainerMount,
  ContainerNetwork,
  ContainerPort,
  ContainerSummary,
  CreatedContainer,
  FileChange,
  ProcessTable
} from "./internal/containers/containerModels.js"

export type {
  ContainerLimits,
  ContainerSpec,
  HealthCheckSpec,
  MountSpec,
  RestartPolicy
} from "./internal/containers/spec/containerSpec.js"

export type { ContainerStopOptions, StartResult } from "./internal/containers/containerVerbs.js"

export type { WaitCondition, WaitOptions } from "./internal/watch/containerWait.js"

/**
 * When to pull the image of a new container: if the engine does not have it for the `platform` of the container, always, or
 * never. A tag that the registry has moved since the last pull is noticed by `always` only.
 *
 * @example
 * ```ts
 * import { Containers, Docker, Images, LogSink, RegistryAuth } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const containers = yield* Containers
 *   return yield* containers.run({ image: "busybox:latest", command: ["echo", "hello"] }, { pull: "missing" })
 * }).pipe(Effect.catchTag("ImageNotFound", ({ cause, message }) => Effect.fail(`${cause?.reason ?? "Missing"}: ${message}`)))
 *
 * const live = Layer.merge(Containers.layer, Images.layer).pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layer()]))
 * // The lines and the progress of a pull go to the console.
 * const result = await Effect.runPromise(program.pipe(Effect.provide([live, LogSink.layerConsole])))
 * console.log(result.stdout)
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type PullPolicy = "missing" | "always" | "never"

/**
 * What an effect with a pull policy requires: with any other than `never`, the service that pulls and the sink that gets the
 * events of the pull.
 *
 * @since 0.1.0
 * @category models
 */
export type PullServices<P extends PullPolicy> = P extends "never" ? never : Images | LogSink

/**
 * Options of `Containers.scoped`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScopedOptions<P extends PullPolicy = "never"> {
  /** When to pull the image. Default `never`. */
  readonly pull?: P
}

/**
 * Options of `Containers.run` and `Containers.runStream`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions<E = never, R = never, P extends PullPolicy = "never"> extends ScopedOptions<P> {
  /** The container's standard input, which is closed at the end of the stream. Without it, the container has no input. */
  readonly stdin?: Stream.Stream<Uint8Array | string, E, R>
}

/**
 * The service `Containers`. Wherever a method takes an `id`, a name or an unambiguous prefix of the id works too.
 *
 * @since 0.1.0
 * @category services
 */
export interface ContainersShape {
  /** Lists containers, newest first. `GET /containers/json` */
  readonly list: (
    options?: ContainerListOptions
  ) => Effect.Effect<ReadonlyArray<ContainerSummary>, InvalidRequest | DockerFailure>
  /** Returns the details of one container. `GET /containers/{id}/json` */
  readonly inspect: (id: string) => Effect.Effect<ContainerDetails, ContainerNotFound | DockerFailure>
  /** Creates a container without starting it. `POST /containers/create` */
  readonly create: (
    spec: ContainerSpec
  ) => Effect.Effect<CreatedContainer, ImageNotFound | NameConflict | InvalidRequest | DockerFailure>
  /**
   * Starts a container. If it is running already, nothing happens and the result says so. If it was created with a setting that refers to something
   * missing, such as a command or a network, this fails with a `ContainerStateConflict` of state `misconfigured`.
   * `POST /containers/{id}/start`
   */
  readonly start: (
    id: string
  ) => Effect.Effect<StartResult, ContainerNotFound | ContainerStateConflict | PortAllocated | DockerFailure>
  /**
   * Stops a container with its stop signal or another one, killing it after a timeout. Does nothing if it is not running.
   * `POST /containers/{id}/stop`
   */
  readonly stop: (
    id: string,
    options?: ContainerStopOptions
  ) => Effect.Effect<void, ContainerNotFound | InvalidRequest | DockerFailure>
  /**
   * Stops a container if it is running, then starts it. An invalid signal is an `EngineError` here.
   * `POST /containers/{id}/restart`
   */
  readonly restart: (
    id: string,
    options?: ContainerStopOptions
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | PortAllocated | DockerFailure>
  /** Sends a signal to a container, `SIGKILL` by default. `POST /containers/{id}/kill` */
  readonly kill: (
    id: string,
    signal?: string
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | InvalidRequest | DockerFailure>
  /** Suspends all processes of a container. `POST /containers/{id}/pause` */
  readonly pause: (id: string) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /** Resumes a paused container. `POST /containers/{id}/unpause` */
  readonly unpause: (id: string) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /**
   * Removes a container. `force` also removes a running one; `volumes` also removes its anonymous volumes.
   * `DELETE /containers/{id}`
   */
  readonly remove: (
    id: string,
    options?: { readonly force?: boolean; readonly volumes?: boolean }
  ) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /**
   * Waits until a container is not running (the default; immediately if it is not), until its next exit, or until it is
   * removed. Waits indefinitely. `POST /containers/{id}/wait`
   */
  readonly wait: (
    id: string,
    condition?: "not-running" | "next-exit" | "removed"
  ) => Effect.Effect<ContainerExit, ContainerNotFound | DockerFailure>
  /**
   * Waits until a condition holds; returns immediately if it already does. Fails on timeout, and as soon as the
   * condition can no longer be met: the container has exited for good, is unhealthy, or was removed. Driven by engine
   * events; only ports are polled. `GET /events`, `GET /containers/{id}/json`, `GET /containers/{id}/logs`
   */
  readonly waitUntil: (
    id: string,
    condition: WaitCondition,
    options?: WaitOptions
  ) => Effect.Effect<void, ContainerNotFound | WaitFailed | InvalidRequest | DockerFailure>
  /** Renames a container. `POST /containers/{id}/rename` */
  readonly rename: (
    id: string,
    name: string
  ) => Effect.Effect<void, ContainerNotFound | NameConflict | InvalidRequest | DockerFailure>
  /** Lists the processes of a container. `psArguments` are passed to `ps`; default `-ef`. `GET /containers/{id}/top` */
  readonly top: (
    id: string,
    psArguments?: string
  ) => Effect.Effect<ProcessTable, ContainerNotFound | ContainerStateConflict | DockerFailure>
  /** Lists files that differ from the container's image. `GET /containers/{id}/changes` */
  readonly changes: (id: string) => Effect.Effect<ReadonlyArray<FileChange>, ContainerNotFound | DockerFailure>
  /**
   * Changes resource limits, also of a running container. Returns the engine's warnings. `POST /containers/{id}/update`
   */
  readonly update: (
    id: string,
    limits: ContainerLimits
  ) => Effect.Effect<ReadonlyArray<string>, ContainerNotFound | ContainerStateConflict | InvalidRequest | DockerFailure>
  /** Removes all containers that are not running. `POST /containers/prune` */
  readonly prune: (
    options?: Pick<ContainerListOptions, "filters">
  ) => Effect.Effect<PruneReport, PruneInProgress | InvalidRequest | DockerFailure>
  /**
   * Creates and starts a container, and removes it with its anonymous volumes when the scope closes, also if starting
   * it failed. Fails like `create`: a setting that prevents the start, such as a port in use or a missing command, is
   * an `InvalidRequest` that names the setting. If the removal fails, a warning is logged. Interruption returns
   * promptly, even while the engine creates the container, which is then removed in the background.
   *
   * With a `pull` policy the image is pulled first, and the events of the pull go to the `LogSink`. A pull that fails is an
   * `ImageNotFound`, whose `cause` is the `RegistryError` if the registry is to blame.
   */
  readonly scoped: <P extends PullPolicy = "never">(
    spec: ContainerSpec,
    options?: ScopedOptions<P>
  ) => Effect.Effect<
    CreatedContainer,
    ImageNotFound | NameConflict | InvalidRequest | DockerFailure,
    Scope.Scope | PullServices<P>
  >
  /**
   * Runs a container to its exit, like `docker run --rm`, and collects its output. The container is removed with its
   * anonymous volumes at the end, also if this fails or is interrupted. Fails like `scoped`; a restart policy is an
   * `InvalidRequest`, and output of more than 512 MiB, which does not fit in a string, an `EngineError`: read it with
   * `runStream`. Pulls the image as `scoped` does.
   * `POST /containers/create`, `POST /containers/{id}/attach`, `POST /containers/{id}/start`
   */
  readonly run: <E = never, R = never, P extends PullPolicy = "never">(
    spec: ContainerSpec,
    options?: RunOptions<E, R, P>
  ) => Effect.Effect<ExecResult, ImageNotFound | NameConflict | InvalidRequest | DockerFailure | E, R | PullServices<P>>
  /** As `run`, but emits the output as it arrives, and then the exit. */
  readonly runStream: <E = never, R = never, P extends PullPolicy = "never">(
    spec: ContainerSpec,
    options?: RunOptions<E, R, P>
  ) => Stream.Stream<ExecOutput, ImageNotFound | NameConflict | InvalidRequest | DockerFailure | E, R | PullServices<P>>
}

/** Whether the engine has the image of a container, for its platform. */
const hasImage = ({ image, platform }: ContainerSpec): Effect.Effect<boolean, InvalidRequest | DockerFailure, Images> =>
  Effect.gen(function* () {
    const wanted = platform === undefined ? {} : yield* parsePlatform(platform)
    const found = yield* (yield* Images).inspect(image)
    return isForPlatform(wanted, found.platform)
  }).pipe(Effect.catchTag("ImageNotFound", () => Effect.succeed(false)))

/** Pulls the image of a container. What the registry refuses is missing on the engine. */
const pullImage = ({ image, platform }: ContainerSpec) =>
  Effect.flatMap(Images, (images) =>
    Operation.run(images.pull(image, platform === undefined ? {} : { platform }))
  ).pipe(
    Effect.catchTag("RegistryError", (cause) =>
      Effect.fail(new ImageNotFound({ image, registry: cause.registry, detail: cause.detail, cause }))
    )
  )

/** Pulls the image of a container if its policy says so. */
function ensureImage<P extends PullPolicy>(
  spec: ContainerSpec,
  policy: P | undefined
): Effect.Effect<void, ImageNotFound | InvalidRequest | DockerFailure, PullServices<P>>
function ensureImage(
  spec: ContainerSpec,
  policy: PullPolicy = "never"
): Effect.Effect<void, ImageNotFound | InvalidRequest | DockerFailure, Images | LogSink> {
  switch (policy) {
    case "never":
      return Effect.void
    case "always":
      return Effect.asVoid(pullImage(spec))
    case "missing":
      return Effect.unlessEffect(pullImage(spec), hasImage(spec))
  }
}

const makeContainers = (docker: DockerShape): ContainersShape => {
  const collection = containerCollection(docker)
  const verbs = containerVerbs(docker)

  /** Creates a container, attaches to it and starts it. */
  const startRun = <E, R, P extends PullPolicy>(spec: ContainerSpec, { pull, stdin }: RunOptions<E, R, P>) =>
    Effect.gen(function* () {
      const runnable = yield* runSpec(spec, stdin !== undefined)
      yield* ensureImage(spec, pull)
      const { id } = yield* acquireContainer({ ...collection, ...verbs }, runnable)
      // Podman prepares the container when a client attaches to it.
      const attachment = yield* attachTo(docker, id, {}).pipe(mapSpecErrors(id, "attach", runnable))
      yield* verbs.start(id).pipe(mapSpecErrors(id, "start", runnable))
      const exitCode = verbs.wait(id).pipe(
        Effect.map(({ exitCode }) => exitCode),
        Effect.catchTag("ContainerNotFound", ({ detail }) =>
          Effect.fail(changedElsewhere(`POST /containers/${id}/wait`, 404, detail))
        )
      )
      return { id, run: { attachment, stdin, exitCode } }
    })

  return {
    ...collection,
    ...containerInspection(docker),
    ...verbs,
    scoped: traced("Containers.scoped")(
      <P extends PullPolicy = "never">(spec: ContainerSpec, { pull }: ScopedOptions<P> = {}) =>
        Effect.zipRight(ensureImage(spec, pull), scopedContainer({ ...collection, ...verbs }, spec))
    ),
    run: traced("Containers.run")(
      <E = never, R = never, P extends PullPolicy = "never">(spec: ContainerSpec, options: RunOptions<E, R, P> = {}) =>
        Effect.scoped(Effect.flatMap(startRun(spec, options), ({ id, run }) => collectRun(id, run)))
    ),
    runStream: <E = never, R = never, P extends PullPolicy = "never">(
      spec: ContainerSpec,
      options: RunOptions<E, R, P> = {}
    ) => Stream.unwrapScoped(Effect.map(startRun(spec, options), ({ run }) => streamRun(run))),
    waitUntil: traced("Containers.waitUntil")((id: string, condition: WaitCondition, options: WaitOptions = {}) =>
      waitForContainer(docker, id, condition, options)
    )
  }
}

/**
 * Containers.
 *
 * @example
 * ```ts
 * import { Containers, Docker } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const containers = yield* Containers
 *   const { id } = yield* containers.scoped({ image: "busybox:latest", command: ["sh", "-c", "exit 3"] })
 *   return yield* containers.wait(id)
 * }).pipe(Effect.catchTag("ImageNotFound", ({ image }) => Effect.fail(`Pull ${image} first`)))
 *
 * const live = Containers.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Containers extends Context.Tag("@dockwire/core/Containers")<Containers, ContainersShape>() {
  /**
   * Containers of the engine behind `Docker`.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Containers, never, Docker> = Layer.effect(
    Containers,
    Effect.map(Docker, makeContainers)
  )
}
