/**
 * The class-based API: the old functions as methods, which take a logger as the last argument.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as baseFunctions from "./functions/baseFunctions.js"
import * as composeFileFunctions from "./functions/composeFileFunctions.js"
import * as composeFunctions from "./functions/composeFunctions.js"
import * as containerFunctions from "./functions/containerFunctions.js"
import * as imageFunctions from "./functions/imageFunctions.js"
import * as networkFunctions from "./functions/networkFunctions.js"
import * as volumeFunctions from "./functions/volumeFunctions.js"
import { containerArgument, InvalidArgument, textArgument } from "./run/arguments.js"
import { causeText } from "./run/failureText.js"
import { runHostCommand } from "./run/hostCommand.js"
import { addMethods, type LoggerArgument, type Methods } from "./run/methods.js"
import { GuardedLog, isOperationLog } from "./operations/operationLog.js"
import type { Outcome } from "./run/outcome.js"
import { logs } from "./run/services.js"
import { defectText } from "./run/defectText.js"
import { run } from "./runtime.js"

/* oxlint-disable typescript/no-unsafe-declaration-merging -- `addMethods` adds the methods of the interfaces. */

/**
 * How `DockerBase.run_command` runs a command.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunCommandOptions {
  /** The working directory. */
  readonly cwd?: string
  /** Whether another exit code than 0 is a failure. Default `true`. */
  readonly check?: boolean
}

/** The words of a command. A string is split by the rules of a POSIX shell, but no shell runs it. */
const wordsOf = async (cmd: unknown): Promise<ReadonlyArray<string>> => {
  if (typeof cmd !== "string") {
    if (Array.isArray(cmd) && cmd.length > 0 && cmd.every((word) => typeof word === "string")) return cmd
    throw new InvalidArgument({ name: "cmd", value: cmd, detail: "it must be a string, or an array of strings" })
  }
  const { split } = await import("shlex")
  await Effect.runPromise(textArgument("cmd", cmd))
  return split(cmd)
}

const runCommand = async (
  cmd: unknown,
  cwd: string | undefined,
  onLine?: (line: string) => void
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> => {
  try {
    return await runHostCommand(await wordsOf(cmd), cwd, onLine)
  } catch (error) {
    return { code: 127, stdout: "", stderr: `${defectText(error)}\n` }
  }
}

const loggerOf = (logger: LoggerArgument | undefined): GuardedLog => {
  const own = isOperationLog(logger) ? logger : (logger?.logger ?? undefined)
  return new GuardedLog(own)
}

/**
 * What the managers have in common.
 *
 * @since 0.1.0
 * @category managers
 */
export interface DockerBase extends Methods<typeof baseFunctions> {}

/**
 * What the managers have in common.
 *
 * @since 0.1.0
 * @category managers
 */
export class DockerBase {
  /**
   * Runs a command on this machine, without a shell: the words, or a string that is split into words by the rules of a POSIX shell.
   * The output is its standard output; if it fails, `Error: ` and its standard error.
   */
  async run_command(
    cmd: string | ReadonlyArray<string>,
    { check = true, cwd }: RunCommandOptions = {}
  ): Promise<Outcome> {
    const { code, stderr, stdout } = await runCommand(cmd, cwd)
    return code === 0 || (!check && code !== 127) ? [true, stdout] : [false, `Error: ${stderr}`]
  }

  /** Runs a command as `run_command` does. The logger gets each line at once; the output has them all. */
  async run_command_with_streaming(
    cmd: string | ReadonlyArray<string>,
    logger?: LoggerArgument,
    cwd?: string
  ): Promise<Outcome> {
    const log = loggerOf(logger)
    const lines: Array<string> = []
    const { code, stderr } = await runCommand(cmd, cwd, (line) => {
      lines.push(line.trim())
      log.line(line.trim())
    })
    if (lines.length === 0 && code !== 0 && stderr !== "") {
      lines.push(stderr.trim())
      log.line(stderr.trim())
    }
    log.complete(code === 0)
    return [code === 0, lines.join("\n")]
  }

  /** The values in the JSON that a docker command prints: one for each line, or those of an array. What is no JSON is left out. */
  parse_json_output(text: string): Array<unknown> {
    const parse = (part: string): ReadonlyArray<unknown> => {
      try {
        const value: unknown = JSON.parse(part)
        return Array.isArray(value) ? value : [value]
      } catch {
        return []
      }
    }
    const whole = parse(text)
    return whole.length > 0 ? [...whole] : String(text).split("\n").flatMap(parse)
  }
}

/**
 * The functions for containers, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export interface ContainerManager extends Methods<typeof containerFunctions> {}

/**
 * The functions for containers, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export class ContainerManager extends DockerBase {
  /** Gives the lines of a container to a logger, those that exist and those to come, until the container stops. */
  async stream_container_logs(container_id: string, logger: LoggerArgument): Promise<Outcome> {
    const log = loggerOf(logger)
    const exit = await run(
      Effect.gen(function* () {
        const id = yield* containerArgument("container_id", container_id)
        const batches = (yield* logs).readBatches(id, { follow: true })
        yield* Stream.runForEach(batches, (batch) =>
          Effect.sync(() => {
            for (const { text } of batch) log.line(text)
          })
        )
      })
    )
    log.complete(Exit.isSuccess(exit))
    return Exit.isSuccess(exit) ? [true, ""] : [false, `Error: ${causeText(exit.cause)}\n`]
  }
}

/**
 * The functions for images, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export interface ImageManager extends Methods<typeof imageFunctions> {}

/**
 * The functions for images, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export class ImageManager extends DockerBase {}

/**
 * The functions for volumes, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export interface VolumeManager extends Methods<typeof volumeFunctions> {}

/**
 * The functions for volumes, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export class VolumeManager extends DockerBase {}

/**
 * The functions for networks, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export interface NetworkManager extends Methods<typeof networkFunctions> {}

/**
 * The functions for networks, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export class NetworkManager extends DockerBase {}

/**
 * The functions for compose projects and their files, as methods.
 *
 * @example
 * ```ts
 * import { ComposeManager, create_logger, dispose } from "@dockwire/compat"
 *
 * const logger = create_logger({ operation_type: "run_compose", config_id: 1 })
 * const [success] = await new ComposeManager().run_compose("nowhere/docker-compose.yml", logger)
 * console.log(success, logger.status, logger.get_log_content())
 * await dispose()
 * ```
 *
 * @since 0.1.0
 * @category managers
 */
export interface ComposeManager extends Methods<typeof composeFunctions>, Methods<typeof composeFileFunctions> {}

/**
 * The functions for compose projects and their files, as methods.
 *
 * @since 0.1.0
 * @category managers
 */
export class ComposeManager extends DockerBase {}

const { build_image, pull_image } = imageFunctions
const { pull_images, restart_compose, run_compose, stop_compose } = composeFunctions

/** The functions that have an `operation_log` of their own. */
const operations = new Set<(...args: never) => unknown>([
  baseFunctions.install_docker,
  build_image,
  pull_image,
  pull_images,
  restart_compose,
  run_compose,
  stop_compose
])

addMethods(DockerBase.prototype, baseFunctions, operations)
addMethods(ContainerManager.prototype, containerFunctions, operations)
addMethods(ImageManager.prototype, imageFunctions, operations)
addMethods(VolumeManager.prototype, volumeFunctions, operations)
addMethods(NetworkManager.prototype, networkFunctions, operations)
addMethods(ComposeManager.prototype, { ...composeFunctions, ...composeFileFunctions }, operations)
