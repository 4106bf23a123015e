import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { collectHostCommand, type HostCommand } from "../../host/hostCommand.js"
import type { HostMachineShape } from "../../host/hostMachine.js"

/** How to run compose, or what happened when each command was tried. */
export type FoundCompose =
  | { readonly _tag: "Available"; readonly version: string; readonly command: ReadonlyArray<string> }
  | { readonly _tag: "Missing"; readonly detail: string }

/** How long a command may take to tell its version. It needs a tenth of a second, and more on a machine that is very busy. */
const timeout = Duration.seconds(15)

/** The plugin, then the standalone command. */
const commands: ReadonlyArray<ReadonlyArray<string>> = [["docker", "compose"], ["docker-compose"]]

/**
 * Finds compose by asking for its version: any other command would not tell a missing plugin from a wrong argument. Version 1
 * is too old to use.
 */
export const findCompose = (
  machine: HostMachineShape,
  environment: Pick<HostCommand, "environment" | "inheritEnvironment"> = {},
  candidates: ReadonlyArray<ReadonlyArray<string>> = commands
): Effect.Effect<FoundCompose> =>
  Effect.gen(function* (): Effect.fn.Return<FoundCompose> {
    const failures: Array<string> = []
    for (const command of candidates) {
      const [program = "", ...args] = command
      const name = command.join(" ")
      const result = yield* Effect.timeoutTo(
        collectHostCommand(
          machine.run({ program, args: [...args, "version", "--short"], ...environment, killAfter: "1 second" })
        ),
        {
          duration: timeout,
          onSuccess: (result) => result,
          onTimeout: () => ({
            exitCode: undefined,
            stdout: "",
            stderr: "",
            detail: `it did not tell its version within ${Duration.format(timeout)}`
          })
        }
      )
      const version = result.stdout.trim().replace(/^v/, "")
      if (result.exitCode === 0 && /^\d+\./.test(version)) {
        if (!version.startsWith("1.")) return { _tag: "Available", version, command }
        failures.push(`"${name}" is version ${version}, but version 2 or newer is required`)
      } else failures.push(`"${name}" failed: ${result.stderr.trim().split("\n")[0] || result.detail}`)
    }
    return { _tag: "Missing", detail: failures.join("; ") }
  })

/** How long compose is taken to be what it was. It may be upgraded, or removed. */
const rememberedFor = Duration.toMillis("1 minute")

/** Compose as it was found within the last minute. One that is missing is looked for again, as it may be installed later. */
export interface RememberedCompose {
  readonly find: Effect.Effect<FoundCompose>
  /** Forgets what was found. */
  readonly forget: Effect.Effect<void>
}

/** Remembers what finds compose. */
export const rememberCompose = (find: Effect.Effect<FoundCompose>): RememberedCompose => {
  let known: { readonly found: FoundCompose; readonly at: number } | undefined
  const once = Effect.unsafeMakeSemaphore(1)
  return {
    find: Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      if (known?.found._tag === "Available" && at - known.at < rememberedFor) return known.found
      const found = yield* find
      known = { found, at }
      return found
    }).pipe(once.withPermits(1)),
    forget: Effect.sync(() => {
      known = undefined
    })
  }
}

/** Whether a version of compose is at least this one. What its distribution appends does not count. */
export const isAtLeast = (version: string, major: number, minor: number): boolean => {
  const [ownMajor = 0, ownMinor = 0] = version.split(/[.+-]/, 2).map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}
