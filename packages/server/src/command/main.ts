#!/usr/bin/env node
/** The command `dockwire`. Loads only the code that the subcommand needs, so that quick ones stay quick. */
import { createRequire } from "node:module"

const version = (): string => {
  const manifest: unknown = createRequire(import.meta.url)("../../package.json")
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown"
}

const isHelp = (argument: string): boolean => argument === "--help" || argument === "-h"

const isHelped = (command: string): boolean => command === "serve" || command === "token"

const run = async (argv: ReadonlyArray<string>): Promise<void> => {
  const [command] = argv
  if (command === "--version" || command === "-v") {
    process.stdout.write(`${version()}\n`)
    return
  }
  if (command === "healthcheck") {
    const { healthcheck } = await import("./healthcheck.js")
    process.exitCode = await healthcheck(argv.slice(1))
    return
  }
  if (command === undefined || isHelp(command) || (isHelped(command) && argv.some(isHelp))) {
    const help = await import("./help.js")
    process.stdout.write(
      command === "serve" ? help.serveHelp : command === "token" ? help.tokenHelp : help.dockwireHelp
    )
    return
  }
  if (command === "token") {
    const { token } = await import("./token.js")
    process.exitCode = await token(argv.slice(1))
    return
  }
  const { main } = await import("./cli.js")
  main(version())
}

void run(process.argv.slice(2))
