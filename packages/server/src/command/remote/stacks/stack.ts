/** `dockwire stack`: lists, adds, checks, updates and removes stacks. */
import { resolve } from "node:path"
import type { Endpoint } from "../../../Api/json/ApiTypes.js"
import { usageFailure } from "../CommandFailure.js"
import { findServer } from "../findServer.js"
import { note } from "../Output.js"
import type { ParsedCommand } from "../parseCommand.js"
import { RemoteServer } from "../RemoteServer.js"
import { plainText, terminalText } from "../terminalText.js"
import { table } from "../operations/operationText.js"
import { operateStack, stackFailure } from "./operateStack.js"

type Stack = Endpoint<"stacks.list">["success"]["stacks"][number]

const heads = ["NAME", "STATUS", "CONTAINERS", "FILE"]

const rowOf = ({ configFiles, name, services, source, status }: Stack): ReadonlyArray<string> => {
  const states = Object.values(services).flat()
  const running = states.filter((state) => state === "running").length
  const file =
    source === undefined
      ? `${configFiles.join(", ") || "-"} (not added)`
      : source._tag === "Url"
        ? source.url
        : source.path
  return [name, status, `${running}/${states.length}`, plainText(file)]
}

const print = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

const list = async (server: RemoteServer, isJson: boolean): Promise<void> => {
  const { problem, stacks } = await server.call("stacks.list", {})
  if (isJson) for (const stack of stacks) print(stack)
  else if (stacks.length > 0) process.stdout.write(table([heads, ...stacks.map(rowOf)]))
  else if (problem === undefined) process.stderr.write('There are no stacks. Add one with "dockwire stack add".\n')
  if (problem !== undefined) note(problem)
}

/** A URL as it is, a path as an absolute one: the server does not know where this command runs. */
const sourceOf = (text: string): { readonly url: string } | { readonly path: string } =>
  /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? { url: text } : { path: resolve(text) }

const add = async (server: RemoteServer, name: string, source: string, isJson: boolean): Promise<void> => {
  const added = await server.call("stacks.add", { body: { name, ...sourceOf(source) } })
  if (isJson) print(added)
  else note(`${added.name} was added. Bring it up with "dockwire up ${added.name}"`)
  if (added.problem !== undefined) note(added.problem)
}

const check = async (server: RemoteServer, name: string, isJson: boolean): Promise<void> => {
  const { changed, diff, path } = await server.call("stacks.check", { path: { name } })
  if (isJson) return print({ changed, diff, path })
  process.stdout.write(process.stdout.isTTY ? diff.split("\n").map(terminalText).join("\n") : diff)
  note(changed ? `Replace ${path} with "dockwire stack update ${name}"` : `${path} is what the URL leads to`)
}

const remove = async (server: RemoteServer, name: string, force: boolean, isJson: boolean): Promise<void> => {
  const removed = await server.call("stacks.remove", { path: { name }, query: force ? { force } : {} })
  if (isJson) return print(removed)
  note(
    `${name} was removed${removed.kept === undefined ? "" : `. Something else is in ${removed.kept}, which is kept`}`
  )
}

/** How many words follow each of them. */
const words: Readonly<Record<string, number>> = { list: 0, add: 2, check: 1, update: 1, remove: 1 }

/** Lists, adds, checks, updates or removes stacks. */
export const stack = async (parsed: ParsedCommand): Promise<number | void> => {
  const [what = "", name = "", source = ""] = parsed.operands
  const expected = Object.hasOwn(words, what) ? words[what] : undefined
  if (expected === undefined) {
    throw usageFailure(`${JSON.stringify(what)} is none of ${Object.keys(words).join(", ")}.`)
  }
  const given = parsed.operands.length - 1
  if (given < expected)
    throw usageFailure(given === 0 ? "The name of the stack is missing." : "The URL or path is missing.")
  if (given > expected) {
    throw usageFailure(`${JSON.stringify(parsed.operands[expected + 1])} is one argument too many.`)
  }
  if (what === "update") return operateStack("update", name, [], parsed)
  const server = new RemoteServer(await findServer(parsed))
  const isJson = parsed.isSet("json")
  if (what === "list") return list(server, isJson)
  try {
    if (what === "add") await add(server, name, source, isJson)
    else if (what === "check") await check(server, name, isJson)
    else await remove(server, name, parsed.isSet("force"), isJson)
  } catch (error) {
    throw await stackFailure(server, name, error)
  }
}
