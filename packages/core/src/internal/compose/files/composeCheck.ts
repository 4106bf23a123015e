import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { devNull, tmpdir } from "node:os"
import { ComposeFileInvalid } from "../../../DockerError.js"
import { collectHostCommand } from "../../host/hostCommand.js"
import type { HostMachineShape } from "../../host/hostMachine.js"
import { composeEnvironment } from "../cli/composeEnvironment.js"
import { findCompose, rememberCompose } from "../cli/findCompose.js"
import { findYamlProblem, standaloneText } from "../yaml/yamlProblem.js"

/** How thoroughly a compose file was checked. */
export type FileCheck =
  | { readonly _tag: "Compose"; readonly version: string }
  | { readonly _tag: "YamlOnly"; readonly detail: string }

/** Takes a tenth of a second, most often. */
const timeout = Duration.seconds(20)

/** The message of compose, without its warnings and its name for the standard input. */
const messageOf = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^time="[^"]*" level=/.test(line))
    .join("\n")
    .replaceAll(/(?:validating|failed to parse) -: /g, "")
    .trim()
    .slice(0, 2000)

/**
 * Checks files with compose. The file is someone else's: compose gets it as text, with nothing of this process's environment
 * that a file could use, and reads no other files for it.
 */
export const makeComposeCheck = (
  machine: HostMachineShape
): ((source: string, text: string) => Effect.Effect<FileCheck, ComposeFileInvalid>) => {
  const directory = tmpdir()
  const environment = {
    inheritEnvironment: false,
    environment: composeEnvironment({
      process: process.env,
      own: {},
      project: { env: {}, inheritEnv: false, directory },
      connection: {}
    })
  }
  const { find } = rememberCompose(findCompose(machine, environment))

  const askCompose = (source: string, text: string, command: ReadonlyArray<string>, version: string) =>
    Effect.gen(function* () {
      const [program = "", ...args] = command
      const project = ["--project-name", "dockwire-check", "--project-directory", directory, "--env-file", devNull]
      const result = yield* collectHostCommand(
        machine.run({
          ...environment,
          program,
          args: [...args, ...project, "--file", "-", "config", "--quiet", "--no-interpolate"],
          directory,
          stdin: Stream.make(new TextEncoder().encode(text)),
          killAfter: "1 second"
        })
      )
      if (result.exitCode === 0) return { _tag: "Compose", version } satisfies FileCheck
      if (result.exitCode === undefined)
        return { _tag: "YamlOnly", detail: `compose ${result.detail}` } satisfies FileCheck
      return yield* new ComposeFileInvalid({
        source,
        reason: "Rejected",
        detail: messageOf(result.stderr) || `compose ${result.detail}`
      })
    }).pipe(
      Effect.timeoutFail({
        duration: timeout,
        onTimeout: () =>
          new ComposeFileInvalid({
            source,
            reason: "Rejected",
            detail: `compose did not finish reading it within ${Duration.format(timeout)}`
          })
      })
    )

  return (source, text) =>
    Effect.gen(function* (): Effect.fn.Return<FileCheck, ComposeFileInvalid> {
      const problem = yield* findYamlProblem(text)
      if (problem !== undefined) return yield* new ComposeFileInvalid({ source, reason: "InvalidYaml", ...problem })
      const { needsOthers, text: standalone } = yield* standaloneText(text)
      if (needsOthers) {
        return { _tag: "YamlOnly", detail: "it includes or extends other files, which are not read for a check" }
      }
      const compose = yield* find
      if (compose._tag === "Missing") return { _tag: "YamlOnly", detail: compose.detail }
      return yield* askCompose(source, standalone, compose.command, compose.version)
    })
}
