/**
 * Docker Compose on an engine in memory, for tests: projects are scripted, and so are their failures and their progress.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Compose } from "./Compose.js"
import { Containers } from "./Containers.js"
import { Docker } from "./Docker.js"
import type { InvalidRequest } from "./DockerError.js"
import { Exec } from "./Exec.js"
import { Images } from "./Images.js"
import { composeMethods } from "./internal/compose/run/composeMethods.js"
import { ComposeScripts } from "./memory/compose/composeScripts.js"
import type {
  ComposeCommandError,
  ComposeCommandPattern,
  ComposeRun,
  MemoryComposeCommand
} from "./memory/compose/composeStep.js"
import { memoryDoor } from "./memory/compose/memoryDoor.js"
import type { MemoryComposeProject } from "./memory/compose/projectSpec.js"
import { resolveProject } from "./memory/compose/resolvedProject.js"
import { MemoryEngine } from "./MemoryEngine.js"
import { Networks } from "./Networks.js"
import type { RegistryAuth } from "./RegistryAuth.js"
import { Volumes } from "./Volumes.js"

export {
  type ComposeCommandError,
  type ComposeCommandPattern,
  type ComposeRun,
  ComposeStep,
  type MemoryComposeCommand
} from "./memory/compose/composeStep.js"
export type {
  MemoryComposeCondition,
  MemoryComposeProject,
  MemoryComposeService
} from "./memory/compose/projectSpec.js"

/**
 * Options of `MemoryCompose.layer`.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryComposeOptions {
  /**
   * By name. A program that names a project by a path means the one with this `directory`, or else the one with the name of
   * that folder.
   */
  readonly projects: Readonly<Record<string, MemoryComposeProject>>
  /** What commands do, instead of working on the engine. */
  readonly commands?: ReadonlyArray<MemoryComposeCommand>
  /** What `Compose.version` tells. Default `2.40.3`. */
  readonly version?: string
}

/**
 * Control over compose in memory.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryComposeShape {
  /** The last 10,000 commands, oldest first; those that only read the files (`config`) included. */
  readonly commands: Effect.Effect<ReadonlyArray<Omit<ComposeRun, "act">>>
  /** Lets matching commands fail, without any effect on the engine. `{ command: "version" }` is for `Compose.version`. */
  readonly fail: (commands: ComposeCommandPattern, error: ComposeCommandError) => Effect.Effect<void>
  /** Delays matching commands. They have no effect before. */
  readonly slow: (commands: ComposeCommandPattern, delay: Duration.DurationInput) => Effect.Effect<void>
  /** Ends the effects of `fail` and `slow`. */
  readonly heal: Effect.Effect<void>
}

const services = Layer.mergeAll(Containers.layer, Exec.layer, Images.layer, Networks.layer, Volumes.layer)

const make = ({ commands = [], projects, version = "2.40.3" }: MemoryComposeOptions) =>
  Effect.gen(function* () {
    const resolved = yield* Effect.forEach(Object.entries(projects), ([name, project]) => resolveProject(name, project))
    const engine = yield* MemoryEngine
    const scope = yield* Effect.scope
    const scripts = new ComposeScripts(commands)
    const passLater = (container: string, millis: number) =>
      Effect.sleep(millis).pipe(
        Effect.zipRight(engine.setHealth(container, "healthy")),
        Effect.ignore,
        Effect.forkIn(scope),
        Effect.asVoid
      )
    const door = memoryDoor({
      hands: {
        docker: yield* Docker,
        containers: yield* Containers,
        exec: yield* Exec,
        images: yield* Images,
        networks: yield* Networks,
        volumes: yield* Volumes,
        passLater
      },
      projects: new Map(resolved.map((project) => [project.name, project])),
      scripts,
      version
    })
    return Context.make(Compose, composeMethods(door)).pipe(
      Context.add(MemoryCompose, {
        commands: Effect.sync(() => scripts.commands),
        fail: (pattern, error) => Effect.sync(() => scripts.add(pattern, { _tag: "Failure", error })),
        slow: (pattern, delay) => Effect.sync(() => scripts.add(pattern, { _tag: "Delay", delay })),
        heal: Effect.sync(() => scripts.clear())
      })
    )
  })

/**
 * `Compose` for tests, on a `MemoryEngine`, without any file and without the compose command. It provides `Compose`, and
 * `MemoryCompose` to control it.
 *
 * Projects are scripted as the files would describe them (`MemoryComposeProject`). Commands work on the engine in memory: `up`
 * gets the images from the engine's registries or builds them, and creates networks, volumes and containers with the labels of
 * compose, in the order of their dependencies. `ps`, `status`, `ls`, `events` and `logs` are the real code, as everything is but
 * the command itself: options, the lock of a project, waiting, events, what an interruption leaves behind. Containers run the
 * programs of the engine.
 *
 * What a command does, prints and fails with can be scripted (`MemoryComposeCommand`). The commands up, create, down, stop,
 * start, restart, kill, pause, unpause, rm, pull, build, exec, config and version work without a script; others fail, and say so.
 * Time is Effect's `Clock`, so that a `TestClock` controls it.
 *
 * @since 0.1.0
 * @category tags
 *
 * @example
 * ```ts
 * import { Compose, ComposeFailed, LogSink, MemoryCompose, MemoryEngine, Operation, RegistryAuth } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const engine = MemoryEngine.layer({ images: ["postgres:16", "shop"] })
 * const compose = MemoryCompose.layer({
 *   projects: {
 *     shop: {
 *       services: {
 *         db: { image: "postgres:16", command: ["sleep", "infinity"], healthyAfter: "50 millis" },
 *         web: { image: "shop", command: ["sleep", "infinity"], dependsOn: { db: "service_healthy" } }
 *       }
 *     }
 *   }
 * })
 *
 * const program = Effect.gen(function* () {
 *   const compose = yield* Compose
 *   const { containers } = yield* Operation.run(compose.up("/srv/shop"))
 *   const control = yield* MemoryCompose
 *   const error = new ComposeFailed({ reason: "Failed", project: "shop", lastLines: [], detail: "no space left on device" })
 *   yield* control.fail({ command: "down" }, error)
 *   const failure = yield* Effect.flip(Operation.run(compose.down("/srv/shop")))
 *   return { names: containers.map(({ name }) => name), failure: failure.message }
 * })
 *
 * const live = compose.pipe(Layer.provide([engine, RegistryAuth.layer()]), Layer.merge(LogSink.layerNone))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 */
export class MemoryCompose extends Context.Tag("@dockwire/core/MemoryCompose")<MemoryCompose, MemoryComposeShape>() {
  /**
   * Compose on the engine in memory. Fails with `InvalidRequest` if a project makes no sense, such as one whose services depend
   * on each other.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer = (
    options: MemoryComposeOptions
  ): Layer.Layer<Compose | MemoryCompose, InvalidRequest, Docker | MemoryEngine | RegistryAuth> =>
    Layer.scopedContext(make(options)).pipe(Layer.provide(services))
}
