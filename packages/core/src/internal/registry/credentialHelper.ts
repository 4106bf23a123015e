import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { RegistryCredentials } from "../../RegistryAuth.js"
import { collectHostCommand, type HostCommandResult, streamHostCommand } from "../host/hostCommand.js"
import { helperAnswer } from "./configEntry.js"

/** How long a helper that is stopped may take to end, before it is killed. */
const killAfter = Duration.seconds(1)

/** What a helper prints, besides exiting with a code other than 0, if it has no credentials for a registry. */
const notFound = "credentials not found in native keychain"

const maxWordsLength = 200

/**
 * What a helper that fails says on its standard output: the reason, by the protocol of helpers. What looks like JSON might be
 * the credentials. Its standard error, which may be a trace of all that it does, is not read.
 */
const wordsOf = (stdout: string): string => {
  const [line = ""] = stdout.trim().split("\n")
  return line === "" || /[{}]/.test(stdout) ? "" : `: ${line.slice(0, maxWordsLength)}`
}

/** The program of a helper. Its name in the configuration must not lead to another folder. */
export const helperProgram = (helper: string): string | undefined =>
  /^[A-Za-z0-9][\w.-]*$/.test(helper) ? `docker-credential-${helper}` : undefined

const decode = (
  program: string,
  registry: string,
  { detail, exitCode, stdout }: HostCommandResult
): Effect.Effect<RegistryCredentials | undefined, string> => {
  if (exitCode === 0) {
    return Effect.try({
      try: () => helperAnswer(stdout),
      // What it printed may contain the password.
      catch: () => `${program} exited with code 0, but printed no credentials as JSON`
    })
  }
  if (exitCode === undefined) {
    return Effect.fail(
      detail.includes("ENOENT")
        ? `${program} is not in PATH. Install it, or remove it from the configuration`
        : `${program} ${detail}`
    )
  }
  return stdout.trim() === notFound
    ? Effect.succeed(undefined)
    : Effect.fail(
        `${program} ${detail}${wordsOf(stdout)}. Run "${program} get", with "${registry}" as its input, to see all that it says`
      )
}

/**
 * Asks a credential helper for the credentials for a registry, by its name in the configuration. A helper that takes longer
 * than `timeout` is stopped, with every process that it started. Fails with the reason.
 */
export const askHelper = (
  program: string,
  registry: string,
  timeout: Duration.Duration
): Effect.Effect<RegistryCredentials | undefined, string> =>
  collectHostCommand(
    streamHostCommand({
      program,
      args: ["get"],
      stdin: Stream.succeed(new TextEncoder().encode(registry)),
      killAfter
    })
  ).pipe(
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () =>
        `${program} did not answer within ${Duration.format(timeout)} and was stopped. Run "${program} get", with "${registry}" as its input, to see what it waits for`
    }),
    Effect.flatMap((result) => decode(program, registry, result))
  )
