/** The commands and their flags. Only `serve` loads the server. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { stripVTControlCharacters } from "node:util"
import { ConfigProblem, defaultDataDir, parseEngine, parsePort, type ServerConfig } from "../Config.js"

const host = Options.text("host").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_HOST")),
  Options.withDefault("127.0.0.1"),
  Options.withDescription("Address to listen on. Default: 127.0.0.1. Environment: DOCKWIRE_HOST")
)

const port = Options.text("port").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_PORT")),
  Options.withDefault("7070"),
  Options.withDescription("Port to listen on; 0 picks a free port. Default: 7070. Environment: DOCKWIRE_PORT")
)

const token = Options.redacted("token").pipe(
  Options.withFallbackConfig(Config.redacted(Config.nonEmptyString("DOCKWIRE_TOKEN"))),
  Options.optional,
  Options.withDescription(
    "Token that browsers and scripts must present. Default: generated on first start and kept in the data directory. Prefer the environment variable, because other users of this machine can see flags. Environment: DOCKWIRE_TOKEN"
  )
)

const dockerHost = Options.text("docker-host").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_DOCKER_HOST")),
  Options.optional,
  Options.withDescription(
    "Docker engine to connect to: unix:///path, tcp://host:port or ssh://user@host. Default: the engine that the docker CLI uses. Environment: DOCKWIRE_DOCKER_HOST"
  )
)

const engine = Options.text("engine").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_ENGINE")),
  Options.withDefault("docker"),
  Options.withDescription(
    "docker: a Docker engine; if it is down, Dockwire waits for it. memory: a demo whose containers are not real. auto: docker, or memory if no engine is configured and there is no Docker socket when Dockwire starts. Default: docker. Environment: DOCKWIRE_ENGINE"
  )
)

const dataDir = Options.text("data-dir").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_DATA_DIR")),
  Options.optional,
  Options.withDescription(
    "Directory for Dockwire's own files. Default: $XDG_DATA_HOME/dockwire, or ~/.local/share/dockwire. Environment: DOCKWIRE_DATA_DIR"
  )
)

const publicOrigin = Options.text("public-origin").pipe(
  Options.repeated,
  Options.withDescription(
    "Address under which a proxy serves Dockwire, such as https://logs.example.com. Environment: DOCKWIRE_PUBLIC_ORIGIN, separated by commas"
  )
)

const insecure = Options.boolean("insecure").pipe(
  Options.withFallbackConfig(Config.boolean("DOCKWIRE_INSECURE")),
  Options.withDescription(
    "Let other machines connect even though the token is a generated one. Environment: DOCKWIRE_INSECURE"
  )
)

const environmentOrigins = Config.string("DOCKWIRE_PUBLIC_ORIGIN").pipe(
  Config.withDefault(""),
  Config.map((text) => text.split(/[\s,]+/).filter((origin) => origin !== ""))
)

const serve = Command.make(
  "serve",
  { dataDir, dockerHost, engine, host, insecure, port, publicOrigin, token },
  (flags) =>
    Effect.gen(function* () {
      const config: ServerConfig = {
        host: flags.host,
        port: yield* parsePort(flags.port),
        engine: yield* parseEngine(flags.engine),
        dataDir: Option.getOrElse(flags.dataDir, () => defaultDataDir()),
        insecure: flags.insecure,
        publicOrigins: flags.publicOrigin.length > 0 ? flags.publicOrigin : yield* environmentOrigins,
        ...(Option.isSome(flags.token) ? { token: flags.token.value } : {}),
        ...(Option.isSome(flags.dockerHost) ? { dockerHost: flags.dockerHost.value } : {})
      }
      const { serve } = yield* Effect.promise(() => import("./serve.js"))
      yield* serve(config)
    })
).pipe(Command.withDescription("Run the log server and print the link to open"))

const healthcheck = Command.make("healthcheck", { host, port }, () => Effect.void).pipe(
  Command.withDescription("Exit with 0 if the server on this machine responds, otherwise with 1")
)

const dockwire = Command.make("dockwire").pipe(
  Command.withDescription("Live Docker logs in your browser"),
  Command.withSubcommands([serve, healthcheck])
)

const hasNoColor = (stream: NodeJS.WriteStream): boolean => {
  const noColor = process.env["NO_COLOR"]
  return !stream.isTTY || (noColor !== undefined && noColor !== "")
}

/** A console that writes colors only to a terminal, and respects NO_COLOR. */
const makeConsole = (console: Console.Console): Console.Console => {
  const strip = (stream: NodeJS.WriteStream, args: ReadonlyArray<unknown>) =>
    hasNoColor(stream) ? args.map((arg) => (typeof arg === "string" ? stripVTControlCharacters(arg) : arg)) : args
  return {
    ...console,
    log: (...args) => console.log(...strip(process.stdout, args)),
    error: (...args) => console.error(...strip(process.stderr, args))
  }
}

const helpCommand = (): string => (process.argv[2] === "serve" ? "dockwire serve --help" : "dockwire --help")

/** Prints an error once. The parser has already printed an invalid flag, so only the help is pointed out. */
const reportError = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (ValidationError.isValidationError(error)) return Console.error(`Run "${helpCommand()}" for usage.`)
  return Console.error(error instanceof Error && error.message !== "" ? error.message : String(error))
}

const exitCode = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  const error = Cause.squash(exit.cause)
  if (error instanceof ConfigProblem) return error.exitCode
  const isInvalidSetting =
    ValidationError.isValidationError(error) ||
    (typeof error === "object" && error !== null && "_tag" in error && error._tag === "InvalidRequest")
  return isInvalidSetting ? 2 : 1
}

/** Runs the command with the arguments of this process. */
export const main = (version: string): void => {
  const run = Command.run(dockwire, { name: "Dockwire", version })
  const program = run(process.argv).pipe(Effect.tapErrorCause(reportError), Effect.provide(NodeContext.layer))
  NodeRuntime.runMain(
    Effect.flatMap(Effect.console, (console) => Effect.withConsole(program, makeConsole(console))),
    {
      disableErrorReporting: true,
      disablePrettyLogger: true,
      teardown: (exit, onExit) => onExit(exitCode(exit))
    }
  )
}
