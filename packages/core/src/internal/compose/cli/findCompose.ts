import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { collectHostCommand, type HostCommand } from "../../host/hostCommand.js"
import type { HostMachineShape } from "../../host/hostMachine.js"

/** How to run compose, or what happened when each command was tried. */
export type FoundCompose =
  | { readonly _tag: "Available"; readonly version: string; readonly command: ReadonlyArray<string> }
  | { readonly _tag: "Missing"; readonly detail: string }

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
      const result = yield* collectHostCommand(
        machine.run({ program, args: [...args, "version", "--short"], ...environment })
      )
      const version = result.stdout.trim().replace(/^v/, "")
      if (result.exitCode === 0 && /^\d+\./.test(version)) {
        if (!version.startsWith("1.")) return { _tag: "Available", version, command }
        failures.push(`"${name}" is version ${version}, but version 2 or newer is required`)
      } else failures.push(`"${name}" failed: ${result.stderr.trim().split("\n")[0] || result.detail}`)
    }
    return { _tag: "Missing", detail: failures.join("; ") }
  }).pipe(
    Effect.timeoutOption("10 seconds"),
    Effect.map(
      Option.getOrElse((): FoundCompose => ({
        _tag: "Missing",
        detail: `"docker compose version" did not finish within 10 seconds`
      }))
    )
  )

/** Compose as it was found the first time. One that is missing is looked for again, as it may be installed later. */
export interface RememberedCompose {
  readonly find: Effect.Effect<FoundCompose>
  /** Forgets what was found. */
  readonly forget: Effect.Effect<void>
}

/** Remembers what finds compose. */
export const rememberCompose = (find: Effect.Effect<FoundCompose>): RememberedCompose => {
  let known: FoundCompose | undefined
  const once = Effect.unsafeMakeSemaphore(1)
  return {
    find: Effect.suspend(() =>
      known?._tag === "Available" ? Effect.succeed(known) : Effect.tap(find, (found) => void (known = found))
    ).pipe(once.withPermits(1)),
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
