import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import {
  cleanPath,
  cloneDirectory,
  ensureDirectory,
  lookUp,
  type MemoryDirectory,
  type MemoryNode,
  pathSegments
} from "../../state/fileTree.js"
import { LineFailure } from "../jsonLines.js"

/** What to copy. */
export interface CopyOptions {
  readonly keyword: string
  /** Where the sources are: the context, or the files of another stage. */
  readonly from: MemoryDirectory
  readonly fromStage: boolean
  readonly sources: ReadonlyArray<string>
  readonly destination: string
  readonly workingDirectory: string
  readonly now: bigint
}

/** What was copied. */
export interface Copied {
  /** Such as `file:` and a digest. */
  readonly content: string
  readonly destination: string
  /** In bytes. */
  readonly size: number
}

interface Source {
  readonly name: string
  readonly node: MemoryNode
}

const segmentPattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]")}$`
  )

/** The nodes that a source with wildcards names. */
const matchingSources = (root: MemoryDirectory, source: string): ReadonlyArray<Source> => {
  let found: ReadonlyArray<Source> = [{ name: "", node: root }]
  for (const segment of pathSegments(cleanPath(source))) {
    const pattern = segmentPattern(segment)
    found = found.flatMap(({ node }) =>
      node.kind === "directory"
        ? Array.from(node.children, ([name, child]) => ({ name, node: child })).filter(({ name }) => pattern.test(name))
        : []
    )
  }
  return found.toSorted(({ name: left }, { name: right }) => (left < right ? -1 : 1))
}

const findSources = (options: CopyOptions, source: string): Effect.Effect<ReadonlyArray<Source>, LineFailure> => {
  const { from, fromStage, keyword } = options
  const failure = (message: string) => new LineFailure({ message: `${keyword} failed: ${message}` })
  const [, host] = /^\w+:\/\/([^/:]+)/.exec(source) ?? []
  if (host !== undefined) return failure(`Get "${source}": dial tcp: lookup ${host}: no such host`)
  if (/[*?[]/.test(source)) {
    const all = matchingSources(from, source)
    return all.length === 0 ? failure("no source files were specified") : Effect.succeed(all)
  }
  const path = cleanPath(source)
  const found = lookUp(from, path, true)
  if (typeof found !== "string") return Effect.succeed([{ name: pathSegments(path).at(-1) ?? "", node: found.node }])
  return failure(
    fromStage
      ? `stat ${path}: file does not exist`
      : `file not found in build context or excluded by .dockerignore: stat ${path.slice(1)}: file does not exist`
  )
}

/** Updates a digest with a node and all below it. Returns their size in bytes. */
const addToHash = (hash: ReturnType<typeof createHash>, path: string, node: MemoryNode): number => {
  hash.update(`${path}\0${node.kind}\0${node.mode}\0`)
  if (node.kind === "file") {
    hash.update(node.content)
    return node.content.length
  }
  if (node.kind !== "directory") return 0
  return [...node.children]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .reduce((sum, [name, child]) => sum + addToHash(hash, `${path}/${name}`, child), 0)
}

const cloneNode = (node: MemoryNode): MemoryNode =>
  node.kind === "directory" ? cloneDirectory(node) : { ...node, uid: 0, gid: 0 }

/** Merges the children of a directory into another one. */
const mergeInto = (target: MemoryDirectory, source: MemoryDirectory): void => {
  for (const [name, node] of source.children) {
    const existing = target.children.get(name)
    if (existing?.kind === "directory" && node.kind === "directory") mergeInto(existing, node)
    else target.children.set(name, cloneNode(node))
  }
}

/** Copies files into an image as `COPY` does. */
export const copyFiles = (root: MemoryDirectory, options: CopyOptions): Effect.Effect<Copied, LineFailure> =>
  Effect.gen(function* () {
    const { destination, keyword, now, workingDirectory } = options
    const found = yield* Effect.forEach(options.sources, (source) => findSources(options, source))
    const sources = found.flat()
    const isFolder = /(^|\/)\.{0,2}$/.test(destination)
    if (sources.length > 1 && !isFolder) {
      const message = `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`
      return yield* new LineFailure({ message })
    }
    const path = cleanPath(destination.startsWith("/") ? destination : `${workingDirectory}/${destination}`)
    const existing = lookUp(root, path, true)
    const intoFolder = isFolder || (typeof existing !== "string" && existing.node.kind === "directory")
    const hash = createHash("sha256")
    let size = 0
    for (const { name, node } of sources) {
      size += addToHash(hash, "", node)
      const segments = pathSegments(path)
      const target = node.kind === "directory" || intoFolder ? path : segments.slice(0, -1).join("/")
      const folder = ensureDirectory(root, target, now)
      if (folder === undefined) {
        return yield* new LineFailure({ message: `${keyword} failed: mkdir ${path}: not a directory` })
      }
      if (node.kind === "directory") mergeInto(folder, node)
      else folder.children.set(intoFolder ? name : (segments.at(-1) ?? name), cloneNode(node))
    }
    const [only, ...others] = sources
    const kind = others.length > 0 ? "multi" : only?.node.kind === "directory" ? "dir" : "file"
    const shown = isFolder && path !== "/" ? `${path}/` : path
    return { content: `${kind}:${hash.digest("hex")}`, destination: shown, size }
  })
