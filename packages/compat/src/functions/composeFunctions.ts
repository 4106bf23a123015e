/**
 * The old functions for compose projects.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ComposeOutcome, ComposeShape } from "@dockwire/core/Compose"
import type { Operation } from "@dockwire/core/Operation"
import { defectText } from "../run/defectText.js"
import type { Failure } from "../run/failureText.js"
import { fileArgument } from "../run/fileArgument.js"
import type { OperationLog } from "../operations/operationLog.js"
import { operationOutcome, type Printed, type WhyFailed } from "../operations/operationOutcome.js"
import { type Outcome, valueOr } from "../run/outcome.js"
import { compose } from "../run/services.js"

/** The project of a compose file. */
const projectOf = (config_path: unknown) =>
  // As the original, which passed on its whole environment.
  Effect.map(fileArgument("config_path", config_path), (path) => ({ files: [path], inheritEnv: true }) as const)

/** The code that compose exited with, which core tells in a line of its own. */
const returnCode = ({ notes }: Printed, { error }: WhyFailed): number => {
  const codes = notes.flatMap((note) => / exited with code (\d+)$/.exec(note)?.[1] ?? [])
  // Compose did not run: it would have exited so.
  return Number(codes.at(-1) ?? (error?._tag === "ComposeFailed" && error.reason === "FileNotFound" ? 14 : 1))
}

/** What compose would have printed, if it was not run. */
const reasonText = ({ error, text }: WhyFailed): string =>
  error?._tag === "ComposeFailed" && error.reason === "FileNotFound" && error.file !== undefined
    ? `open ${error.file}: no such file or directory`
    : text

interface OldCommand {
  /** What its events call it. */
  readonly kind: string
  /** The command of compose. */
  readonly verb: string
  readonly succeeded: string
  readonly failed: string
  readonly operation: (
    service: ComposeShape,
    project: { readonly files: readonly [string]; readonly inheritEnv: true }
  ) => Operation<ComposeOutcome, Failure>
}

const runCommand = (command: OldCommand, config_path: string, log: unknown): Promise<Outcome> =>
  operationOutcome({
    kind: command.kind,
    operation: Effect.gen(function* () {
      const project = yield* projectOf(config_path)
      return command.operation(yield* compose, project)
    }),
    log,
    first: `Starting docker compose ${command.verb} for ${defectText(config_path)}`,
    isOutput: ({ stream }) => stream !== "system",
    onSuccess: ({ lines }) => ({ last: command.succeeded, output: lines.join("\n") }),
    onFailure: (printed, why) => {
      const { lines } = printed
      const last = `${command.failed} with return code ${returnCode(printed, why)}`
      if (lines.length > 0) return { last, output: lines.join("\n") }
      const reason = reasonText(why)
      return { more: [reason], last, output: `Error: ${reason}\n` }
    }
  })

/**
 * Creates and starts the containers of a compose file: `docker compose up -d`. The output is what compose prints, each line
 * trimmed. The `operation_log` gets the lines while it runs: first `Starting docker compose up for <config_path>`, and last
 * `Docker Compose started successfully` or `Docker Compose failed with return code N`.
 *
 * @since 0.1.0
 * @category compose
 */
export const run_compose = (config_path: string, operation_log?: OperationLog | null): Promise<Outcome> =>
  runCommand(
    {
      kind: "run_compose",
      verb: "up",
      succeeded: "Docker Compose started successfully",
      failed: "Docker Compose failed",
      operation: ({ up }, project) => up(project)
    },
    config_path,
    operation_log
  )

/**
 * Stops and removes the containers and networks of a compose file: `docker compose down`. Output and lines are as for
 * `run_compose`, with `Docker Compose stopped successfully` as the last one.
 *
 * @since 0.1.0
 * @category compose
 */
export const stop_compose = (config_path: string, operation_log?: OperationLog | null): Promise<Outcome> =>
  runCommand(
    {
      kind: "stop_compose",
      verb: "down",
      succeeded: "Docker Compose stopped successfully",
      failed: "Docker Compose failed",
      operation: ({ down }, project) => down(project, { allProfiles: false, removeOrphans: false })
    },
    config_path,
    operation_log
  )

/**
 * Restarts the containers of a compose file: `docker compose restart`. Output and lines are as for `run_compose`, with
 * `Docker Compose restarted successfully` as the last one.
 *
 * @since 0.1.0
 * @category compose
 */
export const restart_compose = (config_path: string, operation_log?: OperationLog | null): Promise<Outcome> =>
  runCommand(
    {
      kind: "restart_compose",
      verb: "restart",
      succeeded: "Docker Compose restarted successfully",
      failed: "Docker Compose failed",
      operation: ({ restart }, project) => restart(project)
    },
    config_path,
    operation_log
  )

/**
 * Pulls the images of a compose file: `docker compose pull`. Output and lines are as for `run_compose`, with
 * `Docker Compose pull completed successfully` or `Docker Compose pull failed with return code N` as the last one.
 *
 * @since 0.1.0
 * @category compose
 */
export const pull_images = (config_path: string, operation_log?: OperationLog | null): Promise<Outcome> =>
  runCommand(
    {
      kind: "pull_images",
      verb: "pull",
      succeeded: "Docker Compose pull completed successfully",
      failed: "Docker Compose pull failed",
      operation: ({ pull }, project) => pull(project)
    },
    config_path,
    operation_log
  )

/**
 * Whether the services of a compose file run: all (`up`), none (`down`), or some (`partial`). `error` if compose or the engine
 * fails; the reason goes to the `warn` option.
 *
 * @since 0.1.0
 * @category compose
 */
export const check_compose_status = (config_path: string): Promise<"up" | "down" | "partial" | "error"> =>
  valueOr(
    Effect.gen(function* () {
      const project = yield* projectOf(config_path)
      const { done, status } = yield* (yield* compose).status(project)
      // A service that has ended does not run, even if it was meant to end.
      return status === "up" && done.length > 0 ? "partial" : status
    }),
    "error"
  )
