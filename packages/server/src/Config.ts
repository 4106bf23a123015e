/** What the server is told: flags of `dockwire serve`, each also a `DOCKWIRE_*` variable of the environment. */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { isIP } from "node:net"
import { homedir } from "node:os"
import { join } from "node:path"

/** Which engines there are to choose from. */
export const engineChoices = ["docker", "auto", "memory"] as const

/**
 * `docker`: a Docker engine. `auto`: the same, but where nothing names one and the default one has no socket, the demo.
 * `memory`: the demo.
 */
export type EngineChoice = (typeof engineChoices)[number]

/** Everything that can be set. */
export interface ServerConfig {
  /** The address to listen on: a name or an IP address. */
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  /** Whoever has it may do everything. Made and kept in `dataDir` when not given. */
  readonly token?: Redacted.Redacted<string>
  /** Default `docker`. */
  readonly engine?: EngineChoice
  /** The engine, as `DOCKER_HOST` has it. As the environment says when not given. */
  readonly dockerHost?: string
  /** The server's own files; made when missing. */
  readonly dataDir: string
  /** Addresses under which a proxy shows the server: `https://logs.example.com`. */
  readonly publicOrigins: ReadonlyArray<string>
  /** Listen beyond this machine also without a token of one's own. */
  readonly insecure: boolean
}

/** A setting that can't be used: a sentence that names the value and the way out. */
export class ConfigProblem extends Data.TaggedError("ConfigProblem")<{
  readonly message: string
  /** Of the command: 2 for a setting that is wrong in itself, 1 for one that does not go here and now. */
  readonly exitCode: 1 | 2
}> {
  constructor(message: string, exitCode: 1 | 2 = 2) {
    super({ message, exitCode })
  }
}

/** Where the server's files are when nothing else is said: `$XDG_DATA_HOME/dockwire`, else `~/.local/share/dockwire`. */
export const defaultDataDir = (env: NodeJS.ProcessEnv = process.env): string => {
  const base = env["XDG_DATA_HOME"]
  return join(base === undefined || base === "" ? join(homedir(), ".local", "share") : base, "dockwire")
}

/** Whether only this machine can reach the address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

/** An address as it stands in a URL: IPv6 in brackets. */
export const urlHost = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/** The origin that a `--public-origin` means; `undefined` when it is none. */
export const parseOrigin = (text: string): URL | undefined => {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const bare =
    url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === ""
  return (url.protocol === "http:" || url.protocol === "https:") && bare ? url : undefined
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535

const noPort = (port: string | number) =>
  new ConfigProblem(`--port ${port} is not a port: give a whole number from 0 to 65535 (0 takes any that is free).`)

/** The port that a flag or variable means. */
export const parsePort = (text: string): Either.Either<number, ConfigProblem> =>
  /^\d{1,5}$/.test(text) && isPort(Number(text)) ? Either.right(Number(text)) : Either.left(noPort(text))

/** The choice that a flag or variable means. */
export const parseEngine = (text: string): Either.Either<EngineChoice, ConfigProblem> => {
  const choice = engineChoices.find((one) => one === text)
  return choice === undefined
    ? Either.left(
        new ConfigProblem(
          `--engine ${JSON.stringify(text)} is no engine: give docker, auto (docker, or a demo where there is none) or memory (the demo).`
        )
      )
    : Either.right(choice)
}

/** What is wrong with the settings as a whole; `undefined` when nothing is. */
export const problemOf = (config: ServerConfig): ConfigProblem | undefined => {
  if (!isPort(config.port)) return noPort(config.port)
  if (config.token !== undefined && Redacted.value(config.token).trim() === "") {
    return new ConfigProblem("--token is empty: give a long random text, or leave it out to have one made.")
  }
  if (config.token !== undefined && !/^[\x21-\x7e]+$/.test(Redacted.value(config.token))) {
    return new ConfigProblem(
      "--token has white space or characters beyond ASCII, which no header can carry: give letters, digits and signs only."
    )
  }
  if (config.engine === "memory" && config.dockerHost !== undefined) {
    return new ConfigProblem(
      `--engine memory shows a demo and asks no engine: leave it out to see the one at --docker-host ${config.dockerHost}, or leave that out.`
    )
  }
  for (const origin of config.publicOrigins) {
    if (parseOrigin(origin) !== undefined) continue
    return new ConfigProblem(
      `--public-origin ${JSON.stringify(origin)} is not an origin: give scheme, host and port only, like https://logs.example.com.`
    )
  }
  if (!isLoopback(config.host) && config.token === undefined && !config.insecure) {
    return new ConfigProblem(
      `--host ${config.host} can be reached from other machines: whoever gets in controls Docker, and so this machine. ` +
        `Set a token of your own (--token or DOCKWIRE_TOKEN), or say --insecure to go on with the one that is made here.`
    )
  }
  return undefined
}
