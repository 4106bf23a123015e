import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { isJsonObject, parseFirstJson } from "./goJson.js"

/** An environment variable. One that is empty counts as unset. */
export const variable = (name: string): Config.Config<string | undefined> =>
  Config.string(name).pipe(
    Config.option,
    Config.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text.trim() !== ""))?.trim())
  )

/** The folder with the configuration of the docker command. */
export const configFolder: Config.Config<string> = Config.map(
  variable("DOCKER_CONFIG"),
  (folder) => folder ?? join(homedir(), ".docker")
)

/** The file with the configuration of the docker command, in its folder. */
export const configPath = (folder: string): string => join(folder, "config.json")

const parse = (text: string): object | undefined => {
  const config = text.trim() === "" ? null : parseFirstJson(text)
  if (config === null) return undefined
  if (!isJsonObject(config)) throw new TypeError("it is not a JSON object")
  return config
}

/**
 * Reads the configuration of the docker command as the command does, or returns `undefined` if there is none. Fails with the
 * reason if it cannot be read, which quotes nothing of the file: it may contain passwords.
 */
export const readConfigFile = (path: string): Effect.Effect<object | undefined, string> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: (error) => error }).pipe(
    Effect.flatMap((text) => Effect.try({ try: () => parse(text), catch: (error) => error })),
    Effect.catchAll((error) =>
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? Effect.succeed(undefined)
        : Effect.fail(error instanceof Error ? error.message : String(error))
    )
  )
