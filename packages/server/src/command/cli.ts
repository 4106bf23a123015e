/** The commands and their flags. The server itself is loaded only by the command that runs it. */
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
  Options.withDescription("The address to listen on. DOCKWIRE_HOST")
)

const port = Options.text("port").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_PORT")),
  Options.withDefault("7070"),
  Options.withDescription("The port to listen on; 0 takes any that is free. DOCKWIRE_PORT")
)

const token = Options.redacted("token").pipe(
  Options.withFallbackConfig(Config.redacted(Config.nonEmptyString("DOCKWIRE_TOKEN"))),
  Options.optional,
  Options.withDescription(
    "What a browser or script must show; made at the first start and kept when not given. Better as DOCKWIRE_TOKEN, as other users can see flags"
  )
)

const dockerHost = Options.text("docker-host").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_DOCKER_HOST")),
  Options.optional,
  Options.withDescription(
    "The engine: unix:///path, tcp://host:port or ssh://user@host; the one that the docker command would use when not given. DOCKWIRE_DOCKER_HOST"
  )
)

const engine = Options.text("engine").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_ENGINE")),
  Options.withDefault("docker"),
  Options.withDescription(
    "docker: a Docker engine, waited for where it does not answer. auto: the same, but a demo with containers that are not real where nothing names an engine and there is no Docker socket; decided once, at the start. memory: the demo. DOCKWIRE_ENGINE"
  )
)

const dataDir = Options.text("data-dir").pipe(
  Options.withFallbackConfig(Config.nonEmptyString("DOCKWIRE_DATA_DIR")),
  Options.optional,
  Options.withDescription(
    "The folder of the server's own files; $XDG_DATA_HOME/dockwire or ~/.local/share/dockwire when not given. DOCKWIRE_DATA_DIR"
  )
)

const publicOrigin = Options.text("public-origin").pipe(
  Options.repeated,
  Options.withDescription(
    "An address under which a proxy shows the server, like https://logs.example.com; may be given more than once. DOCKWIRE_PUBLIC_ORIGIN, separated by commas"
  )
)

const insecure = Options.boolean("insecure").pipe(
  Options.withFallbackConfig(Config.boolean("DOCKWIRE_INSECURE")),
  Options.withDescription("Let other machines reach the server also without a token of your own. DOCKWIRE_INSECURE")
)

const publicOriginsOfEnvironment = Config.string("DOCKWIRE_PUBLIC_ORIGIN").pipe(
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
        publicOrigins: flags.publicOrigin.length > 0 ? flags.publicOrigin : yield* publicOriginsOfEnvironment,
        ...(Option.isSome(flags.token) ? { token: flags.token.value } : {}),
        ...(Option.isSome(flags.dockerHost) ? { dockerHost: flags.dockerHost.value } : {})
      }
      const { serve } = yield* Effect.promise(() => import("./serve.js"))
      yield* serve(config)
    })
).pipe(Command.withDescription("Run the log server"))

const healthcheck = Command.make("healthcheck", { host, port }, () => Effect.void).pipe(
  Command.withDescription("Exit with 0 when the server on this machine answers, else with 1")
)

const dockwire = Command.make("dockwire").pipe(
  Command.withDescription("Docker, with its logs live in the browser"),
  Command.withSubcommands([serve, healthcheck])
)

const plain = (stream: NodeJS.WriteStream): boolean => {
  const noColor = process.env["NO_COLOR"]
  return !stream.isTTY || (noColor !== undefined && noColor !== "")
}

/** A console that writes colours only where somebody sees them. */
const makeConsole = (console: Console.Console): Console.Console => {
  const clean = (stream: NodeJS.WriteStream, args: ReadonlyArray<unknown>) =>
    plain(stream) ? args.map((arg) => (typeof arg === "string" ? stripVTControlCharacters(arg) : arg)) : args
  return {
    ...console,
    log: (...args) => console.log(...clean(process.stdout, args)),
    error: (...args) => console.error(...clean(process.stderr, args))
  }
}

/** Says what went wrong, once; a wrong flag has been told by the command line's reader itself. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (ValidationError.isValidationError(error)) return Effect.void
  return Console.error(error instanceof Error && error.message !== "" ? error.message : String(error))
}

const exitCode = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  const error = Cause.squash(exit.cause)
  if (error instanceof ConfigProblem) return error.exitCode
  const wrongSetting =
    ValidationError.isValidationError(error) ||
    (typeof error === "object" && error !== null && "_tag" in error && error._tag === "InvalidRequest")
  return wrongSetting ? 2 : 1
}

/** Runs the command line of this process. */
export const main = (version: string): void => {
  const run = Command.run(dockwire, { name: "Dockwire", version })
  const program = run(process.argv).pipe(Effect.tapErrorCause(report), Effect.provide(NodeContext.layer))
  NodeRuntime.runMain(
    Effect.flatMap(Effect.console, (console) => Effect.withConsole(program, makeConsole(console))),
    {
      disableErrorReporting: true,
      disablePrettyLogger: true,
      teardown: (exit, onExit) => onExit(exitCode(exit))
    }
  )
}
