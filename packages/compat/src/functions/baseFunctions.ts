/**
 * The old functions for Docker itself.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Installation } from "@dockwire/core/Host"
import { Operation } from "@dockwire/core/Operation"
import type { OperationLog } from "../operations/operationLog.js"
import { operationOutcome } from "../operations/operationOutcome.js"
import { type Outcome, valueOr } from "../run/outcome.js"
import { host } from "../run/services.js"
import { warn } from "../runtime.js"

const findInstallation = Effect.flatMap(host, ({ isInstalled }) => isInstalled())

/**
 * Whether Docker and Docker Compose can be used: the engine answers, and compose is installed. What is wrong goes to the `warn`
 * option.
 *
 * @since 0.1.0
 * @category base
 */
export const ensure_docker_installed = async (): Promise<boolean> => {
  const found = await valueOr(findInstallation, undefined)
  for (const problem of found?.problems ?? []) warn(problem)
  return found !== undefined && found.engine._tag === "Available" && found.compose._tag === "Available"
}

/** Not every system has a package of compose. */
const installedText = ({ compose }: Installation): string =>
  compose._tag === "Available"
    ? "Docker and Docker Compose were installed successfully"
    : `Docker was installed successfully. Docker Compose is not available: ${compose.detail}.`

/**
 * Installs Docker and Docker Compose from the packages of Debian or Ubuntu, which takes root, unless they can be used already.
 * The `operation_log` gets the lines while it runs.
 *
 * @since 0.1.0
 * @category base
 */
export const install_docker = (operation_log?: OperationLog | null): Promise<Outcome> => {
  let output = ""
  return operationOutcome<unknown>({
    kind: "install_engine",
    operation: Effect.gen(function* () {
      const { install } = yield* host
      if ((yield* findInstallation).problems.length > 0) {
        const operation = install()
        const steps = Stream.tap(operation.steps, (step) =>
          Effect.sync(() => {
            if (step._tag === "Result") output = installedText(step.value.installation)
          })
        )
        return { ...operation, steps }
      }
      output = "Docker and Docker Compose are already installed"
      return {
        kind: "install_engine",
        target: {},
        steps: Stream.make(Operation.line(output), Operation.result(undefined))
      }
    }),
    log: operation_log,
    onSuccess: () => ({ output }),
    onFailure: (_, { text }) => ({ more: [text], output: `Error: ${text}\n` })
  })
}
