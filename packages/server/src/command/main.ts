#!/usr/bin/env node
/** The command `dockwire`. Loads only the code that the subcommand needs, so that quick ones stay quick. */
import { createRequire } from "node:module"
import { useCompileCache } from "./compileCache.js"
import { isRemoteCommand } from "./remote/commands.js"

const version = (): string => {
  const manifest: unknown = createRequire(import.meta.url)("../../package.json")
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown"
}

const isHelp = (argument: string): boolean => argument === "--help" || argument === "-h"

/** The help that is asked for; `undefined` if none is. What follows `--` asks for nothing. */
const helpOf = async (argv: ReadonlyArray<string>): Promise<string | undefined> => {
  const [command] = argv
  const isAsked = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined).some(isHelp)
  if (command !== undefined && !isAsked) return undefined
  const help = await import("./help.js")
  if (command === undefined || isHelp(command)) return help.dockwireHelp
  if (command === "serve") return help.serveHelp
  if (command === "token") return help.tokenHelp
  if (command === "completion") return help.completionHelp
  return isRemoteCommand(command) ? help.remoteHelp(command) : undefined
}

const run = async (argv: ReadonlyArray<string>): Promise<void> => {
  const [command = "", ...rest] = argv
  if (command === "--version" || command === "-v") {
    process.stdout.write(`${version()}\n`)
    return
  }
  if (command === "healthcheck") {
    const { healthcheck } = await import("./healthcheck.js")
    process.exitCode = await healthcheck(rest)
    return
  }
  if (command === "__complete") {
    const { complete } = await import("./completion/complete.js")
    await complete(rest)
    return
  }
  const help = await helpOf(argv)
  if (help !== undefined) {
    process.stdout.write(help)
    return
  }
  if (command === "serve") {
    const { main } = await import("./cli.js")
    main(version())
    return
  }
  if (command === "token") {
    const { token } = await import("./token.js")
    process.exitCode = await token(rest)
    return
  }
  if (command === "completion" || command === "--completions") {
    const { completion } = await import("./completion/completion.js")
    process.exitCode = completion(rest)
    return
  }
  if (isRemoteCommand(command)) {
    const { runRemote } = await import("./remote/run.js")
    process.exitCode = await runRemote(command, rest)
    return
  }
  const { unknownCommand } = await import("./completion/unknownCommand.js")
  process.exitCode = unknownCommand(command)
}

useCompileCache()
void run(process.argv.slice(2))
