import * as Effect from "effect/Effect"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { configPath, readConfigFile } from "../../connection/configFile.js"
import { goField } from "../../connection/goJson.js"
import type { HostMachineShape } from "../../host/hostMachine.js"

type Environment = Readonly<Record<string, string | undefined>>

/** The system's folders of plugins, as the docker command of this platform has them built in. */
const systemFolders = (platform: string, { ProgramData, ProgramFiles }: Environment): ReadonlyArray<string> => {
  if (platform === "win32") {
    return [ProgramData, ProgramFiles].flatMap((folder) =>
      folder === undefined ? [] : [join(folder, "Docker", "cli-plugins")]
    )
  }
  const folders = ["/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec"]
  return [
    ...folders.map((folder) => `${folder}/docker/cli-plugins`),
    // That of Docker Desktop, which names it in the configuration of the docker command, too.
    ...(platform === "darwin" ? ["/Applications/Docker.app/Contents/Resources/cli-plugins"] : [])
  ]
}

/** Where the docker command looks for its plugins, in its order. */
const pluginFolders = (platform: string, environment: Environment): Effect.Effect<ReadonlyArray<string>> => {
  const own = environment["DOCKER_CONFIG"] || join(environment["HOME"] || homedir(), ".docker")
  return readConfigFile(configPath(own)).pipe(
    // The command does without a file that it cannot read, too.
    Effect.orElseSucceed(() => undefined),
    Effect.map((config) => {
      const named = goField(config ?? {}, "cliPluginsExtraDirs")
      const more = Array.isArray(named) ? named.filter((folder) => typeof folder === "string") : []
      return [...more, join(own, "cli-plugins"), ...systemFolders(platform, process.env)]
    })
  )
}

/** The plugins called `compose`, in the order of the docker command, and where they were sought. */
export interface ComposePlugins {
  readonly paths: ReadonlyArray<string>
  readonly fileName: string
  readonly folders: ReadonlyArray<string>
}

/** Looks for the plugin `compose` where the docker command does. */
export const composePlugins = (machine: HostMachineShape, environment: Environment): Effect.Effect<ComposePlugins> =>
  Effect.gen(function* () {
    const fileName = machine.platform === "win32" ? "docker-compose.exe" : "docker-compose"
    const found = yield* pluginFolders(machine.platform, environment)
    const folders = [...new Set(found.map((folder) => resolve(folder)))]
    const paths = yield* Effect.filter(
      folders.map((folder) => join(folder, fileName)),
      machine.isExecutable
    )
    return { paths, fileName, folders }
  })
