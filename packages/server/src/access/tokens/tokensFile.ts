/**
 * The format of the tokens file: a token per line, with its name, the hash of its text, its scopes and optionally when it
 * expires, separated by whitespace. Empty lines, and those that start with `#`, are skipped.
 *
 *     ci sha256:9f86d081884c7d65... read,operate 2027-01-31T00:00:00Z
 */
import * as Either from "effect/Either"
import { createHash } from "node:crypto"
import { type Scope, scopes } from "../../Api/RequiredScope.js"
import { operatorName } from "../Identity.js"

/** A line of the file. */
export interface TokenEntry {
  readonly name: string
  /** The SHA-256 of the token's text, in lower-case hexadecimal. */
  readonly hash: string
  readonly scopes: ReadonlyArray<Scope>
  /** When it expires, in milliseconds since the epoch; absent if it does not. */
  readonly expires?: number
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/
const hashPattern = /^sha256:([0-9a-f]{64})$/
const timePattern = /^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d{1,3})?)?([Zz]|[+-]\d\d:\d\d))?$/

/** What is wrong with the name of a token, and what to do; `undefined` if nothing is. */
export const nameProblem = (name: string): string | undefined => {
  if (name === operatorName) return `The name "${operatorName}" stands for the server's own token. Choose another name.`
  return namePattern.test(name)
    ? undefined
    : `${JSON.stringify(name)} is not the name of a token. Use up to 64 letters, digits and the signs ".", "_", "@" and "-".`
}

/** The hash under which a token is kept. The text is long and random, so that a fast hash without salt suffices. */
export const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex")

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text)

const parseScopes = (text: string): Either.Either<ReadonlyArray<Scope>, string> => {
  const names = text.split(",")
  const unknown = names.find((name) => !isScope(name))
  return unknown === undefined
    ? Either.right(scopes.filter((scope) => names.includes(scope)))
    : Either.left(`${JSON.stringify(unknown)} is not a scope. Write one or more of ${scopes.join(", ")}, with commas.`)
}

const parseExpiry = (text: string): Either.Either<number, string> => {
  const time = timePattern.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time)
    ? Either.left(
        `${JSON.stringify(text)} is not a time of expiry. Write one such as 2027-01-31T12:00:00Z, or leave it out.`
      )
    : Either.right(time)
}

const parseLine = (line: string): Either.Either<TokenEntry, string> =>
  Either.gen(function* () {
    const [name = "", hashText = "", scopesText = "", expiryText, ...more] = line.trim().split(/\s+/)
    if (scopesText === "" || more.length > 0) {
      return yield* Either.left(
        "A line is a name, sha256:<hash>, scopes with commas and optionally a time of expiry, separated by spaces."
      )
    }
    const problem = nameProblem(name)
    if (problem !== undefined) return yield* Either.left(problem)
    const hash = hashPattern.exec(hashText)?.[1]
    if (hash === undefined) {
      return yield* Either.left(
        `The hash of ${JSON.stringify(name)} is not "sha256:" and 64 hexadecimal digits. Create the token again with "dockwire token create".`
      )
    }
    const entry = { name, hash, scopes: yield* parseScopes(scopesText) }
    return expiryText === undefined ? entry : { ...entry, expires: yield* parseExpiry(expiryText) }
  })

/** Whether a line holds a token. */
const isEntry = (line: string): boolean => line.trim() !== "" && !line.trim().startsWith("#")

/** Reads the file's text. The problem names the first line that is wrong, and what to write instead. */
export const parseTokens = (text: string): Either.Either<ReadonlyArray<TokenEntry>, string> =>
  Either.gen(function* () {
    const entries: Array<TokenEntry> = []
    for (const [index, line] of text.split("\n").entries()) {
      if (!isEntry(line)) continue
      const at = (problem: string) => `Line ${index + 1}: ${problem}`
      const entry = yield* Either.mapLeft(parseLine(line), at)
      if (entries.some(({ name }) => name === entry.name)) {
        return yield* Either.left(at(`There is another token named "${entry.name}". Remove one of them, or rename it.`))
      }
      if (entries.some(({ hash }) => hash === entry.hash)) {
        return yield* Either.left(at(`"${entry.name}" has the hash of another token. Remove one of them.`))
      }
      entries.push(entry)
    }
    return entries
  })

/** The line of a token. */
export const formatToken = ({ expires, hash, name, scopes: granted }: TokenEntry): string => {
  const expiry = expires === undefined ? "" : ` ${new Date(expires).toISOString().replace(/\.000Z$/, "Z")}`
  return `${name} sha256:${hash} ${granted.join(",")}${expiry}`
}

/** The text without the token of this name; `undefined` if it has none. */
export const withoutToken = (text: string, name: string): string | undefined => {
  const lines = text.split("\n")
  const rest = lines.filter((line) => !isEntry(line) || line.trim().split(/\s+/)[0] !== name)
  return rest.length === lines.length ? undefined : rest.join("\n")
}
