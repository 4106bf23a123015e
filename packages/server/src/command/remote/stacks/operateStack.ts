/** `dockwire up`, `down`, `stop`, `start`, `restart` and `pull`: starts an operation on a stack, and watches it. */
import { CommandFailure, ExitCode } from "../CommandFailure.js"
import { findServer } from "../findServer.js"
import { didYouMean } from "../nearNames.js"
import { isPlain } from "../Output.js"
import { type ParsedCommand, wholeNumber } from "../parseCommand.js"
import { RemoteServer, RequestRefused } from "../RemoteServer.js"
import { cancelOperation } from "../operations/cancel.js"
import { type Choice, onInterrupt } from "../operations/interrupts.js"
import { JsonDisplay, LineDisplay } from "../operations/LineDisplay.js"
import { stackNames } from "./stackNames.js"
import { TreeDisplay } from "../operations/TreeDisplay.js"
import { exitCodeOf, type WatchedOperation, watchOperation } from "../operations/watchOperation.js"

/** What can be done to a stack. */
export type StackAction = "up" | "down" | "stop" | "start" | "restart" | "pull" | "update"

/** Only what is set, as the server refuses what it does not know. */
const flagsOf = <const Name extends string>(
  parsed: ParsedCommand,
  flags: { readonly [Key in Name]: string }
): { readonly [Key in Name]?: true } => {
  const set: { [Key in Name]?: true } = {}
  for (const field in flags) if (parsed.isSet(flags[field])) set[field] = true
  return set
}

/** Starts the operation. The server takes what it is asked for, and goes on by itself. */
const request = (
  server: RemoteServer,
  action: StackAction,
  name: string,
  some: ReadonlyArray<string>,
  parsed: ParsedCommand
) => {
  const path = { name }
  const services = some.length === 0 ? {} : { services: some }
  const seconds = wholeNumber(parsed, "timeout", 0)
  const timeout = seconds === undefined ? {} : { stopTimeout: seconds }
  switch (action) {
    case "up": {
      const flags = flagsOf(parsed, { wait: "wait", build: "build", removeOrphans: "remove-orphans" })
      return server.call("stacks.up", { path, query: { ...services, ...flags } })
    }
    case "down":
      return server.call("stacks.down", { path, query: { ...flagsOf(parsed, { volumes: "volumes" }), ...timeout } })
    case "stop":
      return server.call("stacks.stop", { path, query: { ...services, ...timeout } })
    case "start":
      return server.call("stacks.start", { path, query: services })
    case "restart":
      return server.call("stacks.restart", { path, query: { ...services, ...timeout } })
    case "pull":
      return server.call("stacks.pull", { path, query: services })
    case "update":
      return server.call("stacks.update", { path })
  }
}

/** What the server says of a stack, in the words of this command. */
export const stackFailure = async (server: RemoteServer, name: string, error: unknown): Promise<unknown> => {
  if (!(error instanceof RequestRefused)) return error
  const { _tag } = error.error
  if (_tag === "StackNotFound") {
    const names = await stackNames(server).catch(() => [])
    const known = names.length === 0 ? " The server knows no stacks." : ` The server knows ${names.join(", ")}.`
    return new CommandFailure(
      `There is no stack named ${JSON.stringify(name)}.${didYouMean(name, names) || known} Add one with "dockwire stack add".`
    )
  }
  const running = _tag === "OperationConflict" && "log_id" in error.error ? error.error.log_id : undefined
  if (typeof running !== "string") return error
  return new CommandFailure(
    `Another operation is still running on ${name}. Watch it with "dockwire operations -f ${running}", or end it with "dockwire cancel ${running}".`
  )
}

/** Runs until the operation has ended or is left. Resolves to the exit code. */
const watch = async (
  watched: WatchedOperation,
  tree: TreeDisplay | undefined,
  server: RemoteServer,
  logId: string
): Promise<number> => {
  let stopAsking = (): void => {}
  const left = new Promise<number>((resolve, reject) => {
    const choose = (choice: Choice): void => {
      if (choice === "cancel") {
        // Its end arrives as it does for everyone else who watches.
        cancelOperation(server, logId).catch(reject)
        return
      }
      tree?.stop()
      process.stderr.write(
        `It goes on on the server. Watch it with "dockwire operations -f ${logId}", or end it with "dockwire cancel ${logId}".\n`
      )
      resolve(ExitCode.left)
    }
    stopAsking = onInterrupt(tree, choose)
  })
  try {
    return await Promise.race([watched.ended.then(exitCodeOf), left])
  } finally {
    stopAsking()
    tree?.stop()
    watched.leave()
  }
}

/** Starts an operation on a stack, or on some of its services, and watches it. Resolves to the exit code. */
export const operateStack = async (
  action: StackAction,
  name: string,
  services: ReadonlyArray<string>,
  parsed: ParsedCommand
): Promise<number> => {
  const address = await findServer(parsed)
  const server = new RemoteServer(address)
  const { log_id: logId } = await request(server, action, name, services, parsed).catch(async (error: unknown) => {
    throw await stackFailure(server, name, error)
  })
  if (typeof logId !== "string") throw server.unexpected()
  if (parsed.isSet("detach")) {
    process.stdout.write(`${logId}\n`)
    return ExitCode.ok
  }
  const isJson = parsed.isSet("json")
  const tree = isJson || isPlain(process.stderr) ? undefined : new TreeDisplay(`${action} ${name}`, process.stderr)
  const display = tree ?? (isJson ? new JsonDisplay() : new LineDisplay(false))
  return watch(watchOperation(address, logId, display), tree, server, logId)
}
