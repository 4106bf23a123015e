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
import { type ServeFlag, serveFlags } from "./serveFlags.js"
import { ConfigProblem, defaultDataDir, parseEngine, parsePort, type ServerConfig } from "../Config.js"

/** The description of a flag in messages about it. */
const described =
  (flag: ServeFlag) =>
  <A>(options: Options.Options<A>): Options.Options<A> =>
    Options.withDescription(options, `${flag.description} Environment: ${flag.variable}`)

const text = (flag: ServeFlag) =>
  Options.text(flag.name).pipe(Options.withFallbackConfig(Config.nonEmptyString(flag.variable)), described(flag))

const host = text(serveFlags.host).pipe(Options.withDefault("127.0.0.1"))

const port = text(serveFlags.port).pipe(Options.withDefault("7070"))

const token = Options.redacted(serveFlags.token.name).pipe(
  Options.withFallbackConfig(Config.redacted(Config.nonEmptyString(serveFlags.token.variable))),
  described(serveFlags.token),
  Options.optional
)

const dockerHost = text(serveFlags.dockerHost).pipe(Options.optional)

const engine = text(serveFlags.engine).pipe(Options.withDefault("docker"))

const dataDir = text(serveFlags.dataDir).pipe(Options.optional)

const publicOrigin = Options.text(serveFlags.publicOrigin.name).pipe(
  Options.repeated,
  described(serveFlags.publicOrigin)
)

const basePath = text(serveFlags.basePath).pipe(Options.optional)

const stacksDir = Options.text(serveFlags.stacksDir.name).pipe(Options.repeated, described(serveFlags.stacksDir))

const tokensFile = text(serveFlags.tokensFile).pipe(Options.optional)

/** A flag without a value. */
const toggle = (flag: ServeFlag) =>
  Options.boolean(flag.name).pipe(Options.withFallbackConfig(Config.boolean(flag.variable)), described(flag))

const readOnly = toggle(serveFlags.readOnly)

const enableExec = toggle(serveFlags.enableExec)

const stacksAnyAddress = toggle(serveFlags.stacksAnyAddress)

/** A flag whose value is a whole number. */
const count = (flag: ServeFlag, otherwise: number) =>
  Options.integer(flag.name).pipe(
    Options.withFallbackConfig(Config.integer(flag.variable)),
    described(flag),
    Options.withDefault(otherwise)
  )

const historyDays = count(serveFlags.historyDays, 30)

const historyOperations = count(serveFlags.historyOperations, 10_000)

const historyMegabytes = count(serveFlags.historyMegabytes, 1_024)

const keepLogs = Options.text(serveFlags.keepLogs.name).pipe(Options.repeated, described(serveFlags.keepLogs))

const keepLogsDays = count(serveFlags.keepLogsDays, 30)

const keepLogsMegabytes = count(serveFlags.keepLogsMegabytes, 1_024)

const keepLogsSourceMegabytes = count(serveFlags.keepLogsSourceMegabytes, 50)

const redact = Options.text(serveFlags.redact.name).pipe(Options.repeated, described(serveFlags.redact))

const insecure = toggle(serveFlags.insecure)

const environmentOrigins = Config.string(serveFlags.publicOrigin.variable).pipe(
  Config.withDefault(""),
  Config.map((text) => text.split(/[\s,]+/).filter((origin) => origin !== ""))
)

/** The items of a variable for several values. */
const environmentItems = (flag: ServeFlag, separator: string) =>
  Config.string(flag.variable).pipe(
    Config.withDefault(""),
    Config.map((text) => text.split(separator).flatMap((item) => item.trim() || []))
  )

const megabyte = 1024 * 1024
const day = 24 * 60 * 60 * 1000

/** Whose logs are kept: `off`, patterns, or nothing for all of them. */
const keptSources = (patterns: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string> | false, ConfigProblem> => {
  if (!patterns.includes("off")) return Effect.succeed(patterns)
  return patterns.length === 1
    ? Effect.succeed(false)
    : Effect.fail(
        new ConfigProblem(
          `--keep-logs is "off" and also ${JSON.stringify(patterns.find((pattern) => pattern !== "off") ?? "off")}. Set either "off", or patterns of what to keep.`
        )
      )
}

const serve = Command.make(
  "serve",
  {
    basePath,
    historyDays,
    historyMegabytes,
    historyOperations,
    dataDir,
    dockerHost,
    enableExec,
    engine,
    host,
    insecure,
    keepLogs,
    keepLogsDays,
    keepLogsMegabytes,
    keepLogsSourceMegabytes,
    port,
    publicOrigin,
    readOnly,
    redact,
    stacksAnyAddress,
    stacksDir,
    token,
    tokensFile
  },
  (flags) =>
    Effect.gen(function* () {
      const sources = yield* keptSources(
        flags.keepLogs.length > 0 ? flags.keepLogs : yield* environmentItems(serveFlags.keepLogs, ",")
      )
      const config: ServerConfig = {
        host: flags.host,
        port: yield* parsePort(flags.port),
        engine: yield* parseEngine(flags.engine),
        dataDir: Option.getOrElse(flags.dataDir, () => defaultDataDir()),
        insecure: flags.insecure,
        readOnly: flags.readOnly,
        enableExec: flags.enableExec,
        stacksDirs: flags.stacksDir.length > 0 ? flags.stacksDir : yield* environmentItems(serveFlags.stacksDir, ","),
        stacksAnyAddress: flags.stacksAnyAddress,
        history: {
          age: flags.historyDays * day,
          operations: flags.historyOperations,
          bytes: flags.historyMegabytes * megabyte
        },
        keepLogs: sources !== false && {
          ...(sources.length === 0 ? {} : { sources }),
          age: flags.keepLogsDays * day,
          bytes: flags.keepLogsMegabytes * megabyte,
          sourceBytes: flags.keepLogsSourceMegabytes * megabyte,
          redact: flags.redact.length > 0 ? flags.redact : yield* environmentItems(serveFlags.redact, "\n")
        },
        publicOrigins: flags.publicOrigin.length > 0 ? flags.publicOrigin : yield* environmentOrigins,
        ...(Option.isSome(flags.basePath) ? { basePath: flags.basePath.value } : {}),
        ...(Option.isSome(flags.tokensFile) ? { tokensFile: flags.tokensFile.value } : {}),
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
