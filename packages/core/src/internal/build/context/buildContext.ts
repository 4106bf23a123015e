import { realpath, stat } from "node:fs/promises"
import { basename, dirname, join, relative, resolve, sep } from "node:path"
import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../../DockerError.js"
import { type ContextDocument, readDocument, textDocument } from "./contextDocument.js"
import { codeOf } from "./contextError.js"
import { readIgnoreFile } from "../patterns/ignoreFile.js"
import { PatternList } from "../patterns/patternList.js"

/** Where a build takes its files from. */
export interface BuildContextSource {
  /** The context folder. Without one, the context is empty. */
  readonly folder: string | undefined
  /** The Dockerfile: a path, relative to the folder, which may lead out of it, or its text. Default `Dockerfile`. */
  readonly dockerfile?: { readonly path: string } | { readonly text: string } | undefined
}

/** A context folder with its Dockerfile and ignore file. */
export interface BuildContext {
  /** Its real path. Missing if the context is empty. */
  readonly folder: string | undefined
  readonly dockerfile: ContextDocument
  /** The name of the Dockerfile without its directory. */
  readonly dockerfileName: string
  /** The path of the Dockerfile in the context. Missing if it is outside of it or was passed as text. */
  readonly dockerfilePath: string | undefined
  /** The ignore file that belongs to the Dockerfile, `<Dockerfile>.dockerignore`, which replaces the context's. */
  readonly ownIgnoreFile: ContextDocument | undefined
  /** The `.dockerignore` of the context. */
  readonly ignoreFile: ContextDocument | undefined
  /** The patterns of the ignore file that applies. */
  readonly exclude: PatternList
}

/** The name of the ignore file of a context, and the ending of that of a Dockerfile. */
export const ignoreFileName = ".dockerignore"

const openFolder = (folder: string): Effect.Effect<string, InvalidRequest> => {
  const invalid = (detail: string) => new InvalidRequest({ field: "context", value: folder, detail })
  return Effect.tryPromise({
    try: async () => {
      const path = await realpath(folder)
      if (!(await stat(path)).isDirectory()) throw invalid("it is not a directory")
      return path
    },
    catch: (error) =>
      error instanceof InvalidRequest
        ? error
        : invalid(
            codeOf(error) === "ENOENT" ? "there is no such directory" : `the directory cannot be read: ${String(error)}`
          )
  })
}

/** The path of a Dockerfile in the context, or `undefined` if it is outside of it or a link that leads out. */
const pathInside = (root: string, path: string): Effect.Effect<string | undefined, InvalidRequest> =>
  Effect.tryPromise({
    try: async () => {
      const isOutside = (target: string) => relative(root, target).split(sep)[0] === ".."
      const found = join(await realpath(dirname(path)), basename(path))
      return isOutside(found) || isOutside(await realpath(path))
        ? undefined
        : relative(root, found).split(sep).join("/")
    },
    catch: (error) => new InvalidRequest({ field: "dockerfile", value: path, detail: String(error) })
  })

const openDockerfile = (folder: string, path: string | undefined) =>
  Effect.gen(function* () {
    const wanted = resolve(folder, path ?? "Dockerfile")
    const found = yield* readDocument(wanted, "dockerfile")
    if (found !== undefined) return { path: wanted, document: found }
    // The default may be written in lower case, too.
    const lower = path === undefined ? join(folder, "dockerfile") : wanted
    const other = lower === wanted ? undefined : yield* readDocument(lower, "dockerfile")
    if (other !== undefined) return { path: lower, document: other }
    return yield* new InvalidRequest({ field: "dockerfile", value: wanted, detail: "there is no such file" })
  })

const parseIgnoreFile = (document: ContextDocument | undefined, path: string) => {
  const exclude = PatternList.parse(document === undefined ? [] : readIgnoreFile(document.content))
  return typeof exclude === "string"
    ? new InvalidRequest({ field: "context", value: path, detail: exclude })
    : Effect.succeed(exclude)
}

/** Opens a build context: finds its folder, and reads its Dockerfile and the ignore file that applies. */
export const openBuildContext = ({
  dockerfile,
  folder
}: BuildContextSource): Effect.Effect<BuildContext, InvalidRequest> =>
  Effect.gen(function* () {
    const root = folder === undefined ? undefined : yield* openFolder(folder)
    const ignorePath = root === undefined ? undefined : join(root, ignoreFileName)
    const ignoreFile = ignorePath === undefined ? undefined : yield* readDocument(ignorePath, "context")
    if (dockerfile !== undefined && "text" in dockerfile) {
      return {
        folder: root,
        dockerfile: textDocument(dockerfile.text),
        dockerfileName: "Dockerfile",
        dockerfilePath: undefined,
        ownIgnoreFile: undefined,
        ignoreFile,
        exclude: yield* parseIgnoreFile(ignoreFile, ignorePath ?? "")
      }
    }
    const { document, path } = yield* openDockerfile(root ?? process.cwd(), dockerfile?.path)
    const ownPath = `${path}${ignoreFileName}`
    const ownIgnoreFile = yield* readDocument(ownPath, "dockerfile")
    return {
      folder: root,
      dockerfile: document,
      dockerfileName: basename(path),
      dockerfilePath: root === undefined ? undefined : yield* pathInside(root, path),
      ownIgnoreFile,
      ignoreFile,
      exclude:
        ownIgnoreFile === undefined
          ? yield* parseIgnoreFile(ignoreFile, ignorePath ?? "")
          : yield* parseIgnoreFile(ownIgnoreFile, ownPath)
    }
  })
