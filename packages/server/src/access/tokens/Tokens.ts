/** The tokens that open the server: its own, and those of the tokens file, which is read again when it changes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as ScopeModule from "effect/Scope"
import { createHash, timingSafeEqual } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import { scopes } from "../../Api/RequiredScope.js"
import { ConfigProblem } from "../../Config.js"
import { type IdentityShape, operatorName } from "../Identity.js"
import { Endings } from "./Endings.js"
import { hashOf, parseTokens, type TokenEntry } from "./tokensFile.js"

/** A valid token. */
export interface AccessToken extends IdentityShape {
  /** Never that of another token, also not of one with other scopes or another text. Empty for the server's own. */
  readonly id: string
  /** When it expires, in milliseconds since the epoch; absent if it does not. */
  readonly expires?: number
}

/** Where tokens come from. */
export interface TokensOptions {
  /** The server's own token, which has all scopes. */
  readonly operator: Redacted.Redacted<string>
  /** The tokens file. Without one, there is only the server's own token. */
  readonly file?: string
  /** Whether the file has to exist when the server starts. */
  readonly required?: boolean
  /** How often to look whether the file has changed, and whether a token has expired, in milliseconds. Default: 1,000. */
  readonly interval?: number
}

/** The operations of `Tokens`. */
export interface TokensShape {
  /** The token with this text, if it is valid now. Takes the same time for every text. */
  readonly find: (text: string) => AccessToken | undefined
  /** The token with this id, if it is still valid. */
  readonly byId: (id: string) => AccessToken | undefined
  /** Calls `end` when the token has expired or was revoked. Returns what forgets it again. */
  readonly onEnd: (id: string, end: () => void) => () => void
}

/** The largest file that is read, in bytes. */
const maxFileBytes = 1024 * 1024

const idOf = ({ hash, name, scopes: granted }: TokenEntry): string =>
  createHash("sha256")
    .update(`${hash} ${name} ${granted.join(",")}`)
    .digest("base64url")
    .slice(0, 22)

interface KnownToken extends AccessToken {
  readonly hash: Buffer
}

const toKnown = (entry: TokenEntry): KnownToken => ({
  id: idOf(entry),
  name: entry.name,
  scopes: entry.scopes,
  hash: Buffer.from(entry.hash, "hex"),
  ...(entry.expires === undefined ? {} : { expires: entry.expires })
})

/** What the file holds, or what is wrong with it. `undefined` if there is no file. */
type Content = { readonly tokens: ReadonlyArray<KnownToken>; readonly writable: boolean } | { readonly problem: string }

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

/** Tells one state of the file from another. */
const versionOf = (file: string): Promise<string> =>
  stat(file).then(
    ({ ctimeMs, ino, mtimeMs, size }) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`,
    (error: unknown) => codeOf(error)
  )

const readTokens = async (file: string): Promise<Content | undefined> => {
  try {
    const { mode, size } = await stat(file)
    if (size > maxFileBytes) return { problem: `It has ${size} bytes, and at most ${maxFileBytes} are read.` }
    const parsed = parseTokens(await readFile(file, "utf8"))
    return Either.match(parsed, {
      onLeft: (problem) => ({ problem }),
      onRight: (entries) => ({ tokens: entries.map(toKnown), writable: (mode & 0o022) !== 0 })
    })
  } catch (error) {
    const code = codeOf(error)
    return code === "ENOENT" ? undefined : { problem: `It cannot be read (${code}).` }
  }
}

const unusable = (file: string, problem: string): string => `The tokens file ${file} cannot be used. ${problem}`

const warnOfMode = (file: string) =>
  Effect.logWarning(
    `Other users of this machine can write to the tokens file ${file} and thereby give themselves access. Run "chmod 600 ${file}".`
  )

const make = (options: TokensOptions): Effect.Effect<TokensShape, ConfigProblem, ScopeModule.Scope> =>
  Effect.gen(function* () {
    const { file, interval = 1_000 } = options
    const operator: KnownToken = {
      id: "",
      name: operatorName,
      scopes,
      hash: Buffer.from(hashOf(Redacted.value(options.operator)), "hex")
    }
    const endings = new Endings()
    let tokens: ReadonlyArray<KnownToken> = []

    const isValid = ({ expires }: AccessToken): boolean => expires === undefined || expires > Date.now()
    const byId = (id: string) => [operator, ...tokens].find((token) => token.id === id && isValid(token))
    const endInvalid = () => {
      for (const id of endings.keys()) if (byId(id) === undefined) endings.end(id)
    }

    if (file !== undefined) {
      let version = yield* Effect.promise(() => versionOf(file))
      const first = yield* Effect.promise(() => readTokens(file))
      if (first === undefined && options.required === true) {
        return yield* Effect.fail(
          new ConfigProblem(
            `There is no tokens file ${file}. Create it with "dockwire token create NAME --scope read --tokens-file ${file}", or start Dockwire without --tokens-file.`
          )
        )
      }
      if (first !== undefined && "problem" in first) {
        return yield* Effect.fail(new ConfigProblem(unusable(file, first.problem)))
      }
      tokens = first?.tokens ?? []
      if (first?.writable === true) yield* warnOfMode(file)

      let isMissing = false
      const readAgain = Effect.gen(function* () {
        const now = yield* Effect.promise(() => versionOf(file))
        if (now === version) return
        const content = yield* Effect.promise(() => readTokens(file))
        // Who replaces a file may remove it first: only a file that stays away has no tokens.
        if (content === undefined && !isMissing) {
          isMissing = true
          return
        }
        isMissing = false
        version = now
        if (content !== undefined && "problem" in content) {
          return yield* Effect.logError(
            `${unusable(file, content.problem)} Until it is mended, the tokens that it held before stay valid.`
          )
        }
        tokens = content?.tokens ?? []
        if (content?.writable === true) yield* warnOfMode(file)
        const names = tokens.length === 0 ? "none" : tokens.map(({ name }) => name).join(", ")
        yield* Effect.logInfo(`The tokens file ${file} has changed. Its tokens are now: ${names}.`)
      })
      yield* readAgain.pipe(
        Effect.zipRight(Effect.sync(endInvalid)),
        Effect.delay(interval),
        Effect.forever,
        Effect.forkScoped
      )
    }

    return {
      find: (text) => {
        const hash = Buffer.from(hashOf(text), "hex")
        let found: KnownToken | undefined
        for (const token of [operator, ...tokens]) if (timingSafeEqual(token.hash, hash)) found = token
        return found !== undefined && isValid(found) ? found : undefined
      },
      byId,
      onEnd: (id, end) => (id === operator.id ? () => {} : endings.add(id, end))
    }
  })

/** The tokens that open the server. */
export class Tokens extends Context.Tag("@dockwire/server/Tokens")<Tokens, TokensShape>() {
  /** Fails if the tokens file is malformed. A file that turns bad later leaves the tokens that it held before valid. */
  static readonly layer = (options: TokensOptions): Layer.Layer<Tokens, ConfigProblem> =>
    Layer.scoped(Tokens, make(options))
}
