/** `dockwire token`: creates, lists and revokes the tokens of the tokens file. The server does not have to run. */
import * as Either from "effect/Either"
import { randomBytes } from "node:crypto"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { editTokensFile, readTokensText } from "../access/tokens/editTokensFile.js"
import {
  formatToken,
  hashOf,
  nameProblem,
  parseTokens,
  type TokenEntry,
  withoutToken
} from "../access/tokens/tokensFile.js"
import { type Scope, scopes } from "../Api/RequiredScope.js"
import { defaultDataDir, defaultTokensFile } from "../Config.js"
import { tokenHelp } from "./help.js"

/** The command cannot be carried out as it was written. */
class UsageError extends Error {}

/** Begins every token, so that tools that look for leaked secrets find one. */
const prefix = "dockwire_"

const units = { m: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_536_000 } as const

const isUnit = (text: string): text is keyof typeof units => Object.hasOwn(units, text)

/** When a token expires, in milliseconds since the epoch. */
const expiryAfter = (text: string): number => {
  const [, count = "", unit = ""] = /^([1-9]\d{0,5})([a-z])$/.exec(text) ?? []
  if (!isUnit(unit)) throw new UsageError(`Invalid --expires "${text}". Write a number and a unit: 12h, 30d, 8w or 1y.`)
  // The file holds whole seconds.
  return (Math.floor(Date.now() / 1000) + Number(count) * units[unit]) * 1000
}

const parseScopes = (given: ReadonlyArray<string>): ReadonlyArray<Scope> => {
  const names = given.flatMap((each) => each.split(","))
  const unknown = names.find((name) => !scopes.some((scope) => scope === name))
  if (names.length === 0 || unknown !== undefined) {
    const what = unknown === undefined ? "A token needs a scope" : `"${unknown}" is not a scope`
    throw new UsageError(`${what}. Pass --scope with one of ${scopes.join(", ")}; it can be repeated.`)
  }
  return scopes.filter((scope) => names.includes(scope))
}

/** The entries of the file's text. */
const entriesOf = (file: string, text: string): ReadonlyArray<TokenEntry> =>
  Either.getOrThrowWith(parseTokens(text), (problem) => new Error(`The tokens file ${file} is not valid. ${problem}`))

interface Flags {
  readonly expires?: string | undefined
  readonly scope?: ReadonlyArray<string> | undefined
}

const create = async (file: string, name: string, { expires, scope = [] }: Flags): Promise<void> => {
  const problem = nameProblem(name)
  if (problem !== undefined) throw new UsageError(problem)
  const token = `${prefix}${randomBytes(32).toString("base64url")}`
  const entry = { name, hash: hashOf(token), scopes: parseScopes(scope) }
  const line = formatToken(expires === undefined ? entry : { ...entry, expires: expiryAfter(expires) })
  await editTokensFile(file, (text) => {
    if (entriesOf(file, text).some((each) => each.name === name)) {
      throw new Error(`There is a token named "${name}" in ${file}. Choose another name, or revoke that one first.`)
    }
    return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`
  })
  process.stdout.write(`${token}\n`)
  process.stderr.write(
    `This token is not shown again. Its line in ${file}:\n  ${line}\nA server that reads this file accepts it within a second or two.\n`
  )
}

const list = async (file: string): Promise<void> => {
  const entries = entriesOf(file, await readTokensText(file))
  if (entries.length === 0) {
    process.stderr.write(`There are no tokens in ${file}.\n`)
    return
  }
  const rows = entries.map(({ expires, name, scopes: granted }) => {
    const expiry = expires === undefined ? "never" : new Date(expires).toISOString().replace(/\.\d+Z$/, "Z")
    return [name, granted.join(","), expires !== undefined && expires <= Date.now() ? `${expiry} (expired)` : expiry]
  })
  const table = [["NAME", "SCOPES", "EXPIRES"], ...rows]
  const widths = [0, 1].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   "))
  process.stdout.write(`${lines.join("\n")}\n`)
}

const revoke = async (file: string, name: string): Promise<void> => {
  await editTokensFile(file, (text) => {
    const rest = withoutToken(text, name)
    if (rest === undefined) throw new Error(`There is no token named "${name}" in ${file}.`)
    return rest
  })
  process.stderr.write(
    `Revoked "${name}". A server that reads ${file} closes its sessions and WebSockets within a second or two.\n`
  )
}

const setting = (flag: string | undefined, variable: string): string | undefined => {
  const value = flag ?? process.env[variable]
  return value === undefined || value === "" ? undefined : value
}

const run = async (argv: ReadonlyArray<string>): Promise<void> => {
  const { positionals, values } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      scope: { type: "string", multiple: true },
      expires: { type: "string" },
      "tokens-file": { type: "string" },
      "data-dir": { type: "string" }
    }
  })
  const [command, name, ...more] = positionals
  const dataDir = setting(values["data-dir"], "DOCKWIRE_DATA_DIR") ?? defaultDataDir()
  const file = resolve(setting(values["tokens-file"], "DOCKWIRE_TOKENS_FILE") ?? defaultTokensFile(dataDir))
  if (command === "list" && name === undefined) return list(file)
  if (name === undefined || more.length > 0 || (command !== "create" && command !== "revoke")) {
    throw new UsageError("Pass create NAME, list or revoke NAME.")
  }
  return command === "create" ? create(file, name, values) : revoke(file, name)
}

const isUsageError = (error: unknown): boolean =>
  error instanceof UsageError ||
  (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))

/** Runs the command. Resolves to its exit code. */
export const token = async (argv: ReadonlyArray<string>): Promise<number> => {
  try {
    await run(argv)
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    if (!isUsageError(error)) return 1
    process.stderr.write(`\n${tokenHelp}`)
    return 2
  }
}
