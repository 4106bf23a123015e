/**
 * Docker as it is installed on this machine, as opposed to the engine behind `Docker`, which may be elsewhere.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import { EngineError, EngineUnavailable, InstallFailed } from "./DockerError.js"
import { findCommand } from "./internal/compose/cli/findCompose.js"
import type { HostCommand } from "./internal/host/hostCommand.js"
import { HostMachine, type HostMachineShape } from "./internal/host/hostMachine.js"
import { type InstallPlan, installPlan, instructions } from "./internal/host/installPlan.js"
import { Operation, type OperationStep } from "./Operation.js"
import { System } from "./System.js"
import { traced } from "./internal/api/traced.js"

const CommandLine = Schema.Array(Schema.String).annotations({ description: "A program and its arguments" })

/**
 * Whether the engine answers.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EngineInstallation = Schema.Union(
  Schema.TaggedStruct("Available", {
    endpoint: Schema.String,
    version: Schema.String,
    apiVersion: Schema.String
  }),
  Schema.TaggedStruct("Unavailable", {
    endpoint: Schema.String,
    error: Schema.Union(EngineUnavailable, EngineError),
    installed: Schema.Boolean.annotations({
      description:
        "Whether dockerd is on this machine. If so, it is installed but not running, or it refuses this process"
    })
  })
).annotations({ identifier: "EngineInstallation", description: "Whether the engine answers" })

/**
 * @since 0.1.0
 * @category models
 */
export type EngineInstallation = typeof EngineInstallation.Type

/**
 * Whether Docker Compose is installed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeInstallation = Schema.Union(
  Schema.TaggedStruct("Available", {
    version: Schema.String,
    command: CommandLine.annotations({
      description: 'How a person runs it: ["docker", "compose"] or ["docker-compose"]'
    })
  }),
  Schema.TaggedStruct("Missing", {
    detail: Schema.String.annotations({ description: "What happened when each command was tried" })
  })
).annotations({ identifier: "ComposeInstallation", description: "Whether Docker Compose is installed" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeInstallation = typeof ComposeInstallation.Type

/**
 * What is installed of Docker, and what is wrong with it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Installation = Schema.Struct({
  engine: EngineInstallation,
  compose: ComposeInstallation,
  problems: Schema.Array(Schema.String).annotations({
    description: "Each problem as a sentence that says what to do. Empty if there are none"
  })
}).annotations({ identifier: "Installation", description: "What is installed of Docker, and what is wrong with it" })

/**
 * @since 0.1.0
 * @category models
 */
export type Installation = typeof Installation.Type

/**
 * Options of `install`.
 *
 * @since 0.1.0
 * @category models
 */
export interface InstallOptions {
  /** Reports what an installation would do, and changes nothing. Default `false`. */
  readonly dryRun?: boolean
}

/**
 * What an installation did, or would have done if it was a dry run.
 *
 * @since 0.1.0
 * @category schemas
 */
export const InstallResult = Schema.Struct({
  system: Schema.String.annotations({ description: "The distribution's own name and version" }),
  packages: Schema.Array(Schema.String),
  commands: Schema.Array(CommandLine),
  dryRun: Schema.Boolean,
  installation: Installation.annotations({ description: "What was installed afterwards" })
}).annotations({
  identifier: "InstallResult",
  description: "What an installation did, or would have done if it was a dry run"
})

/**
 * @since 0.1.0
 * @category models
 */
export type InstallResult = typeof InstallResult.Type

const commandLine = ({ args, program }: HostCommand): ReadonlyArray<string> => [program, ...args]

const problemsOf = (engine: EngineInstallation, compose: ComposeInstallation): ReadonlyArray<string> => [
  ...(engine._tag === "Unavailable" ? [engine.error.message] : []),
  ...(engine._tag === "Unavailable" && !engine.installed && engine.endpoint.startsWith("unix:")
    ? [`Docker is not installed on this machine. To install it, see ${instructions}`]
    : []),
  ...(compose._tag === "Missing" ? [`Docker Compose is not available: ${compose.detail}.`] : [])
]

/** Runs one command of an installation. Emits its output as lines, and fails if it does not exit with 0. */
const runCommand = (
  machine: HostMachineShape,
  command: HostCommand
): Stream.Stream<OperationStep<never>, InstallFailed> =>
  Stream.suspend(() => {
    const errorLines: Array<string> = []
    return Stream.concat(
      Stream.make(Operation.line(`$ ${commandLine(command).join(" ")}`)),
      Stream.flatMap(machine.run(command), (output) => {
        if (output._tag === "Line") {
          if (output.stream === "stderr" && output.text.trim() !== "") errorLines.push(output.text.trim())
          if (errorLines.length > 3) errorLines.shift()
          return Stream.make(Operation.line(output.text, output.stream))
        }
        if (output.exitCode === 0) return Stream.empty
        const lastErrors = errorLines.length === 0 ? "" : ` (${errorLines.join("; ")})`
        const detail = `${command.program} ${output.detail}${lastErrors}`
        return Stream.fail(
          new InstallFailed({ reason: "CommandFailed", detail, command: commandLine(command), instructions })
        )
      })
    )
  })

const runPlan = (machine: HostMachineShape, plan: InstallPlan): Stream.Stream<OperationStep<never>, InstallFailed> =>
  Stream.flatMap(Stream.fromIterable(plan.commands), (command) => runCommand(machine, command))

const simulatePlan = (machine: HostMachineShape, plan: InstallPlan): Stream.Stream<OperationStep<never>> =>
  Stream.concat(
    Stream.fromIterable(plan.commands.map((command) => Operation.line(`Would run: ${commandLine(command).join(" ")}`))),
    // A simulation uses the package lists as they are. It may fail where an installation, which updates them, would not.
    Stream.catchAll(runCommand(machine, plan.simulation), ({ message }) => Stream.make(Operation.line(message)))
  )

const make = Effect.gen(function* () {
  const { endpoint } = yield* Docker
  const system = yield* System
  const machine = yield* HostMachine

  const findEngine = system.version().pipe(
    Effect.map(({ apiVersion, version }): EngineInstallation => ({ _tag: "Available", endpoint, version, apiVersion })),
    Effect.catchAll((error) =>
      Effect.map(machine.hasProgram("dockerd"), (installed): EngineInstallation => ({
        _tag: "Unavailable",
        endpoint,
        error,
        installed
      }))
    )
  )

  const isInstalled = traced("Host.isInstalled")(
    Effect.fnUntraced(function* () {
      const engine = yield* findEngine
      const found = yield* findCommand(machine)
      const compose: ComposeInstallation =
        found._tag === "Missing" ? found : { _tag: "Available", version: found.version, command: found.command }
      const installation: Installation = { engine, compose, problems: problemsOf(engine, compose) }
      return installation
    })
  )

  const install = (options: InstallOptions = {}): Operation<InstallResult, InstallFailed> => {
    const dryRun = options.dryRun ?? false
    const steps = Effect.gen(function* () {
      const plan = yield* installPlan(machine.platform, yield* machine.osRelease)
      if (!dryRun && !(yield* machine.isRoot)) {
        const detail = "installing packages requires root. Run as root, or ask an administrator to install Docker"
        return yield* new InstallFailed({ reason: "NotPermitted", detail, instructions })
      }
      const result = Effect.map(isInstalled(), (installation) =>
        Operation.result<InstallResult>({
          system: plan.system,
          packages: plan.packages,
          commands: plan.commands.map(commandLine),
          dryRun,
          installation
        })
      )
      return Stream.make(
        Operation.line(`${dryRun ? "Would install" : "Installing"} ${plan.packages.join(", ")} on ${plan.system}.`),
        ...plan.notes.map((note) => Operation.line(note))
      ).pipe(
        Stream.concat(dryRun ? simulatePlan(machine, plan) : runPlan(machine, plan)),
        Stream.concat(Stream.fromEffect(result))
      )
    })
    return { kind: "install_engine", target: {}, steps: Stream.unwrap(steps) }
  }

  const host: HostShape = { install, isInstalled }
  return host
})

/**
 * The service `Host`.
 *
 * @since 0.1.0
 * @category services
 */
export interface HostShape {
  /**
   * Finds out whether the engine answers and whether Docker Compose is installed. Problems are reported in the result,
   * never as a failure. `GET /version`
   */
  readonly isInstalled: () => Effect.Effect<Installation>
  /**
   * Installs Docker and Docker Compose from the packages of Debian or Ubuntu. Fails with `InstallFailed` on other
   * systems, or if this process does not run as root, which a dry run does not need. No shell is involved. Interrupting
   * the operation stops apt, which may leave packages half installed; the next installation repairs them first.
   */
  readonly install: (options?: InstallOptions) => Operation<InstallResult, InstallFailed>
}

/**
 * Finds and installs Docker on this machine.
 *
 * @example
 * ```ts
 * import { Docker, Host } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const host = yield* Host
 *   const { compose, engine, problems } = yield* host.isInstalled()
 *   return { engine: engine._tag, compose: compose._tag, problems }
 * })
 *
 * const live = Host.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Host extends Context.Tag("@dockwire/core/Host")<Host, HostShape>() {
  /**
   * This machine. Whether the engine answers is asked through `Docker`.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Host, never, Docker> = Layer.effect(Host, make).pipe(Layer.provide(System.layer))
}
