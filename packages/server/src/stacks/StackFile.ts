/** The stacks that were added, in a file of the data directory. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import { mkdir, open, readFile, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"

/** The name of a stack, which compose takes as the name of a project. */
export const stackName = /^[a-z0-9][a-z0-9_-]{0,99}$/

/** A stack that was added. */
export const StoredStack = Schema.Struct({
  name: Schema.String.pipe(Schema.pattern(stackName)),
  source: Schema.Union(
    Schema.TaggedStruct("Url", { url: Schema.String.pipe(Schema.filter((url) => URL.canParse(url))) }),
    Schema.TaggedStruct("File", { path: Schema.String })
  ),
  addedAt: Schema.String
})

/** See the schema. */
export type StoredStack = typeof StoredStack.Type

const StackFile = Schema.parseJson(Schema.Struct({ version: Schema.Literal(1), stacks: Schema.Array(StoredStack) }), {
  space: 2
})

const decode = Schema.decodeUnknownEither(StackFile)
const encode = Schema.encodeSync(StackFile)

/** What was in the file. */
export interface LoadedStacks {
  readonly stacks: ReadonlyArray<StoredStack>
  /** What is missing, and why: sentences. */
  readonly problem?: string
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

/** Where the stacks of a data directory are. */
export const stackFilePath = (dataDir: string): string => join(dataDir, "stacks.json")

/** A file that cannot be understood is kept under another name, so that the next change does not replace it. */
const setAside = async (path: string): Promise<string> => {
  const aside = `${path}.broken-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`
  try {
    await rename(path, aside)
    return `It was renamed to ${aside}: mend it, move it back to ${path} and restart the server, or add the stacks again.`
  } catch (error) {
    return `It cannot be renamed either (${reasonOf(error)}), and the next stack that is added replaces it.`
  }
}

/** Reads the stacks. If that is not possible, there are none, and `problem` says why. */
export const loadStacks = (path: string): Effect.Effect<LoadedStacks> =>
  Effect.promise(async () => {
    let text: string
    try {
      text = await readFile(path, "utf8")
    } catch (error) {
      if (isMissing(error)) return { stacks: [] }
      return {
        stacks: [],
        problem: `The stacks in ${path} cannot be read: ${reasonOf(error)}. ${await setAside(path)}`
      }
    }
    const decoded = decode(text)
    if (Either.isRight(decoded)) return { stacks: decoded.right.stacks }
    return { stacks: [], problem: `The stacks in ${path} cannot be understood. ${await setAside(path)}` }
  })

/** Replaces the file at once, down to the disk: a reader finds the old content or the new one. URLs may have passwords. */
const replace = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const file = await open(temporary, "wx", 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Writes the stacks. Fails with the reason, and leaves the file as it was. */
export const saveStacks = (path: string, stacks: Iterable<StoredStack>): Effect.Effect<void, string> =>
  Effect.tryPromise({
    try: () => replace(path, `${encode({ version: 1, stacks: [...stacks] })}\n`),
    catch: reasonOf
  }).pipe(Effect.uninterruptible)
