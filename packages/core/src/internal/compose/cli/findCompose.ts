import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { goField, isJsonObject } from "../../connection/goJson.js"
import { collectHostCommand, type HostCommand } from "../../host/hostCommand.js"
import type { HostMachineShape } from "../../host/hostMachine.js"
import { composePlugins } from "./composePlugins.js"

/** How to run compose, or what happened when each command was tried. */
export type FoundCompose =
  | {
      readonly _tag: "Available"
      readonly version: string
      readonly command: ReadonlyArray<string>
      /** What to call it in messages: a person runs the plugin as `docker compose`. */
      readonly name: string
    }
  | { readonly _tag: "Missing"; readonly detail: string }

/** A command that may be compose. */
interface Candidate {
  readonly command: ReadonlyArray<string>
  readonly name: string
  readonly isPlugin: boolean
}

/** How long a command may take to tell its version. It needs a tenth of a second, and more on a machine that is very busy. */
const timeout = Duration.seconds(15)

const named = (command: ReadonlyArray<string>): Candidate => ({ command, name: command.join(" "), isPlugin: false })

/** The plugin by way of the docker command, then the standalone command. */
const commands: ReadonlyArray<Candidate> = [named(["docker", "compose"]), named(["docker-compose"])]

/** The version in the metadata that a plugin tells the docker command, which takes those of a schema before 2.0. */
const pluginVersion = (text: string): string => {
  try {
    const metadata: unknown = JSON.parse(text)
    if (!isJsonObject(metadata) || !/^[01]\./.test(String(goField(metadata, "SchemaVersion")))) return ""
    const [vendor, version] = [goField(metadata, "Vendor"), goField(metadata, "Version")]
    return typeof vendor === "string" && vendor !== "" && typeof version === "string" ? version : ""
  } catch {
    return ""
  }
}

type Environment = Pick<HostCommand, "environment" | "inheritEnvironment">

/**
 * Takes the first command that tells its version: any other question would not tell a missing plugin from a wrong argument.
 * Version 1 is too old to use.
 */
const firstOf = (
  machine: HostMachineShape,
  environment: Environment,
  candidates: ReadonlyArray<Candidate>,
  before: ReadonlyArray<string> = []
): Effect.Effect<FoundCompose> =>
  Effect.gen(function* (): Effect.fn.Return<FoundCompose> {
    const failures = [...before]
    for (const { command, isPlugin, name } of candidates) {
      const [program = "", ...args] = command
      const question = isPlugin ? ["docker-cli-plugin-metadata"] : ["version", "--short"]
      const result = yield* Effect.timeoutTo(
        collectHostCommand(
          machine.run({ program, args: [...args, ...question], ...environment, killAfter: "1 second" })
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
      const version = (isPlugin ? pluginVersion(result.stdout) : result.stdout.trim()).replace(/^v/, "")
      const tried = isPlugin ? program : name
      if (result.exitCode === 0 && /^\d+\./.test(version)) {
        if (!version.startsWith("1.")) return { _tag: "Available", version, command, name }
        failures.push(`"${tried}" is version ${version}, but version 2 or newer is required`)
      } else failures.push(`"${tried}" failed: ${result.stderr.trim().split("\n")[0] || result.detail}`)
    }
    return { _tag: "Missing", detail: failures.join("; ") }
  })

/** Finds compose as a person runs it: `docker compose`, or else `docker-compose`. */
export const findCommand = (machine: HostMachineShape): Effect.Effect<FoundCompose> => firstOf(machine, {}, commands)

/** Asks the command that is to be compose. */
export const askCommand = (
  machine: HostMachineShape,
  environment: Environment,
  command: ReadonlyArray<string>
): Effect.Effect<FoundCompose> => firstOf(machine, environment, [named(command)])

/**
 * Finds compose: the plugin itself, where the docker command would find it, or else as `findCommand`. The docker command adds
 * nothing to the plugin but its own start, which takes as long as that of the plugin: run without it, the plugin takes the same
 * arguments and says the same.
 */
export const findCompose = (
  machine: HostMachineShape,
  { environment = {} }: { readonly environment?: Readonly<Record<string, string>> } = {}
): Effect.Effect<FoundCompose> =>
  Effect.gen(function* () {
    const { fileName, folders, paths } = yield* composePlugins(machine, environment)
    const plugins = paths.map((path) => ({ command: [path], name: "docker compose", isPlugin: true }))
    const none = paths.length > 0 ? [] : [`there is no ${fileName} in ${folders.join(", ")}`]
    return yield* firstOf(machine, { environment, inheritEnvironment: false }, [...plugins, ...commands], none)
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
