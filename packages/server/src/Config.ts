/**
 * The settings of the server: the flags of `dockwire serve`, which can also be set as `DOCKWIRE_*` environment variables.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { isIP } from "node:net"
import { homedir } from "node:os"
import { join } from "node:path"

/** Every `EngineChoice`. */
export const engineChoices = ["docker", "auto", "memory"] as const

/**
 * The engine to serve. `docker`: a Docker engine. `auto`: a Docker engine, or the demo if no engine is configured and the
 * default socket does not exist. `memory`: the demo.
 *
 * @since 0.1.0
 * @category models
 */
export type EngineChoice = (typeof engineChoices)[number]

/**
 * How much is kept of operations that have ended. The oldest are deleted first.
 *
 * @since 0.1.0
 * @category models
 */
export interface HistoryLimits {
  /** Milliseconds since their end. Default: 30 days. */
  readonly age: number
  /** How many. Default: 10,000. */
  readonly operations: number
  /** Bytes of their lines. Default: 1 GiB. */
  readonly bytes: number
}

/**
 * Which container logs are kept, and how much of them. The oldest lines are deleted first.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeptLogs {
  /**
   * Patterns of what is kept: the name of a container, or of a service with or without its project, with `*` and `?`. Default:
   * everything.
   */
  readonly sources?: ReadonlyArray<string>
  /** Bytes of text of one service or container. Default: 50 MiB. */
  readonly sourceBytes?: number
  /** Bytes of text in all. Default: 1 GiB. */
  readonly bytes?: number
  /** Milliseconds. Default: 30 days. */
  readonly age?: number
  /** Regular expressions in RE2's syntax: what matches one is replaced before a line is kept. */
  readonly redact?: ReadonlyArray<string>
}

/**
 * The settings of the server.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerConfig {
  /** Address to listen on: a host name or an IP address. */
  readonly host: string
  /** Port to listen on; 0 picks a free port. */
  readonly port: number
  /** Grants full access to whoever has it. Default: generated and kept in `dataDir`. */
  readonly token?: Redacted.Redacted<string>
  /** Default: `docker`. */
  readonly engine?: EngineChoice
  /** The engine's address, in the format of `DOCKER_HOST`. Default: the engine that the docker CLI would use. */
  readonly dockerHost?: string
  /** Directory for the server's own files. Created if missing. */
  readonly dataDir: string
  /** Public origins under which a proxy serves this server, such as `https://logs.example.com`. */
  readonly publicOrigins: ReadonlyArray<string>
  /**
   * The folder of these origins in which the proxy serves this server, such as `/dockwire`. It may take it off the addresses of
   * requests, or leave it. Default: none.
   */
  readonly basePath?: string | undefined
  /** Allow other machines to connect with a generated token. */
  readonly insecure: boolean
  /** How much is kept of operations that have ended; `false` keeps them in memory only. */
  readonly history?: Partial<HistoryLimits> | false
  /** Which container logs are kept; `false` keeps none. Default: all. */
  readonly keepLogs?: KeptLogs | false
  /** File with further tokens. Default: `tokens` in `dataDir`, if it exists. */
  readonly tokensFile?: string
  /** Refuse everything that is not reading, also at the door to the engine. */
  readonly readOnly?: boolean
  /** Folders of this machine whose compose files may be added as stacks. Default: none. */
  readonly stacksDirs?: ReadonlyArray<string>
  /** Let the compose files of stacks be downloaded from addresses that are not public. */
  readonly stacksAnyAddress?: boolean
  /** Let those who have the scope `exec` run commands in containers. */
  readonly enableExec?: boolean
}

/**
 * A setting cannot be used. `message` names the value and the fix.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigProblem extends Data.TaggedError("ConfigProblem")<{
  readonly message: string
  /** Exit code of the command: 2 if the setting is invalid, 1 if it is valid but cannot be used on this machine now. */
  readonly exitCode: 1 | 2
}> {
  constructor(message: string, exitCode: 1 | 2 = 2) {
    super({ message, exitCode })
  }
}

/**
 * The default directory for the server's files: `$XDG_DATA_HOME/dockwire`, or `~/.local/share/dockwire`.
 *
 * @since 0.1.0
 * @category getters
 */
export const defaultDataDir = (env: NodeJS.ProcessEnv = process.env): string => {
  const base = env["XDG_DATA_HOME"]
  return join(base === undefined || base === "" ? join(homedir(), ".local", "share") : base, "dockwire")
}

/** The tokens file of a server that is given none. */
export const defaultTokensFile = (dataDir: string): string => join(dataDir, "tokens")

/** Whether an address can be reached from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

/** Formats an address for a URL: IPv6 goes in brackets. */
export const urlHost = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/** Parses an origin: scheme, host and port. Returns `undefined` if the text is not one. */
export const parseOrigin = (text: string): URL | undefined => {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const isOrigin =
    url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === ""
  return (url.protocol === "http:" || url.protocol === "https:") && isOrigin ? url : undefined
}

/** The base path without a slash at its end; empty if there is none. */
export const basePathOf = ({ basePath = "" }: Pick<ServerConfig, "basePath">): string => basePath.replace(/\/+$/, "")

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535

const invalidPort = (port: string | number) =>
  new ConfigProblem(
    `Invalid port "${port}". Set --port or DOCKWIRE_PORT to a whole number from 0 to 65535; 0 picks a free port.`
  )

/** Parses the port of a flag or an environment variable. */
export const parsePort = (text: string): Either.Either<number, ConfigProblem> =>
  /^\d{1,5}$/.test(text) && isPort(Number(text)) ? Either.right(Number(text)) : Either.left(invalidPort(text))

/** Parses the engine of a flag or an environment variable. */
export const parseEngine = (text: string): Either.Either<EngineChoice, ConfigProblem> => {
  const choice = engineChoices.find((name) => name === text)
  return choice === undefined
    ? Either.left(
        new ConfigProblem(
          `Invalid engine ${JSON.stringify(text)}. Set --engine or DOCKWIRE_ENGINE to "docker", "auto" (Docker, or a demo if there is none) or "memory" (the demo).`
        )
      )
    : Either.right(choice)
}

const tokenProblem = (token: string): ConfigProblem | undefined => {
  if (token.trim() === "") {
    return new ConfigProblem(
      "The token is empty. Set --token or DOCKWIRE_TOKEN to a long random text, or leave it out to have one generated."
    )
  }
  return /^[\x21-\x7e]+$/.test(token)
    ? undefined
    : new ConfigProblem(
        "The token contains whitespace or non-ASCII characters, which HTTP headers cannot carry. Use only letters, digits and punctuation."
      )
}

/** Checks the settings as a whole. Returns the first problem, or `undefined` if there is none. */
export const validateConfig = (config: ServerConfig): ConfigProblem | undefined => {
  if (!isPort(config.port)) return invalidPort(config.port)
  const problem = config.token === undefined ? undefined : tokenProblem(Redacted.value(config.token))
  if (problem !== undefined) return problem
  if (config.engine === "memory" && config.dockerHost !== undefined) {
    return new ConfigProblem(
      `--engine memory runs a demo without Docker and cannot be combined with --docker-host ${config.dockerHost}. Remove one of the two.`
    )
  }
  const { history } = config
  if (history !== undefined && history !== false && Object.values(history).some((limit) => !(limit >= 0))) {
    return new ConfigProblem(
      "A limit of the history is below 0. Set --history-days, --history-operations and --history-megabytes, or DOCKWIRE_HISTORY_*, to whole numbers from 0."
    )
  }
  const { keepLogs } = config
  if (
    keepLogs !== undefined &&
    keepLogs !== false &&
    [keepLogs.sourceBytes, keepLogs.bytes, keepLogs.age].some((limit) => limit !== undefined && !(limit >= 0))
  ) {
    return new ConfigProblem(
      "A limit of the kept logs is below 0. Set --keep-logs-days, --keep-logs-megabytes and --keep-logs-source-megabytes, or DOCKWIRE_KEEP_LOGS_*, to whole numbers from 0."
    )
  }
  const invalidOrigin = config.publicOrigins.find((origin) => parseOrigin(origin) === undefined)
  if (invalidOrigin !== undefined) {
    return new ConfigProblem(
      `Invalid public origin ${JSON.stringify(invalidOrigin)}. Set --public-origin or DOCKWIRE_PUBLIC_ORIGIN to a scheme, a host and optionally a port, such as https://logs.example.com.`
    )
  }
  if (!/^(\/[\w.~-]+)*$/.test(basePathOf(config)) || /\/\.\.?(\/|$)/.test(basePathOf(config))) {
    return new ConfigProblem(
      `Invalid base path ${JSON.stringify(config.basePath)}. Set --base-path or DOCKWIRE_BASE_PATH to the folder in which a proxy serves Dockwire, such as /dockwire.`
    )
  }
  if (!isLoopback(config.host) && config.token === undefined && !config.insecure) {
    return new ConfigProblem(
      `--host ${config.host} lets other machines connect, and anyone who gets in controls Docker and thereby this machine. ` +
        "Set a token of your own with --token or DOCKWIRE_TOKEN, or pass --insecure to use the generated one."
    )
  }
  return undefined
}
