import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { extract, type Header } from "tar-stream"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import {
  cleanPath,
  lookUp,
  type LookupFailure,
  type MemoryDirectory,
  type MemoryNode,
  newDirectory,
  pathSegments
} from "../state/fileTree.js"

/** Where and how to extract a tar archive. */
export interface ExtractOptions {
  readonly root: MemoryDirectory
  /** The target directory, with all links resolved. */
  readonly directory: string
  /** Refuse to replace a directory with something else, or the reverse. */
  readonly noOverwriteDirNonDir: boolean
  /** Mount points, which cannot be replaced. */
  readonly mounts: ReadonlyArray<string>
  /** The engine's error for a missing path. */
  readonly missing: ErrorResponse
  readonly now: Effect.Effect<bigint>
}

const join = (directory: string, name: string): string => cleanPath(`${directory}/${name}`)

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`)

const inodeOf = ({ gid, mode, mtime, uid }: Header) => ({
  mode: mode & 0o7777,
  uid,
  gid,
  modified: BigInt(mtime.getTime()) * 1_000_000n
})

const nodeOf = (header: Header, content: Uint8Array, existing: MemoryNode | undefined): MemoryNode => {
  const inode = inodeOf(header)
  switch (header.type) {
    case "directory":
      // An existing directory keeps its content.
      return Object.assign(existing?.kind === "directory" ? existing : newDirectory(inode.modified), inode)
    case "symlink":
      return { kind: "symlink", target: header.linkname, ...inode, mode: 0o777 }
    case "fifo":
      return { kind: "pipe", ...inode }
    case "character-device":
      return { kind: "character device", ...inode }
    case "block-device":
      return { kind: "block device", ...inode }
    default:
      return { kind: "file", content, ...inode }
  }
}

const refuse = (message: string): ErrorResponse => errorResponse(500, message)

/** Extracts one entry, with the engine's checks. */
const extractEntry = (
  options: ExtractOptions,
  header: Header,
  content: Uint8Array
): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const { directory, missing, mounts, noOverwriteDirNonDir } = options
    const now = yield* options.now
    const path = join(directory, header.name)
    if (!isWithin(path, directory))
      return yield* refuse(`${JSON.stringify(header.name)} is outside of ${JSON.stringify(directory)}`)
    const parentPath = path === directory ? path : cleanPath(`${path}/..`)
    const name = pathSegments(path).at(-1) ?? ""
    const isDirectory = header.type === "directory"
    const parent = makeDirectories(options.root, parentPath, now)
    if (typeof parent === "string") {
      return yield* parent === "missing" ? missing : refuse(`${isDirectory ? "mkdir" : "open"} ${path}: ${parent}`)
    }
    if (path === directory) return
    const existing = parent.children.get(name)
    if (noOverwriteDirNonDir && existing !== undefined && (existing.kind === "directory") !== isDirectory) {
      const [old, fresh] = isDirectory ? ["non-directory", "directory"] : ["directory", "non-directory"]
      const message = `cannot overwrite ${old} ${JSON.stringify(path)} with ${fresh} ${JSON.stringify(directory)}`
      return yield* refuse(message)
    }
    if (existing?.kind === "directory" && !isDirectory && mounts.some((mount) => isWithin(mount, path)))
      return yield* refuse(`unlinkat ${parentPath}/${name}: device or resource busy`)
    if (header.type === "link") yield* addHardLink(options, header, path, parent)
    else {
      if (header.type === "symlink" && !cleanPath(`${parentPath}/${header.linkname}`).startsWith(directory))
        return yield* refuse(`invalid symlink ${JSON.stringify(path)} -> ${JSON.stringify(header.linkname)}`)
      parent.children.set(name, nodeOf(header, content, existing))
    }
    if (existing === undefined || existing.kind !== "directory" || !isDirectory) parent.modified = now
  })

/** Adds a hard link at `path` to its parent directory. */
const addHardLink = (
  { directory, missing, root }: ExtractOptions,
  header: Header,
  path: string,
  parent: MemoryDirectory
): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const { linkname } = header
    const target = join(directory, linkname)
    if (!target.startsWith(directory))
      return yield* refuse(`invalid hardlink ${JSON.stringify(target)} -> ${JSON.stringify(linkname)}`)
    const found = lookUp(root, target, false)
    if (typeof found === "string") {
      return yield* found === "missing" ? missing : refuse(`link ${target} ${path}: ${found}`)
    }
    const { node } = found
    if (node.kind === "directory") return yield* refuse(`link ${target} ${path}: operation not permitted`)
    parent.children.set(pathSegments(path).at(-1) ?? "", node)
    // The engine applies the link's owner to the shared file, which clears setuid and setgid, but its mode and time only if
    // it finds the target relative to the root.
    const { gid, mode, modified, uid } = inodeOf(header)
    Object.assign(node, { uid, gid, mode: node.mode & ~0o6000 })
    const fromRoot = lookUp(root, linkname, false)
    if (typeof fromRoot !== "string" && fromRoot.node.kind !== "symlink") Object.assign(node, { mode, modified })
  })

/** The directory at a path, following links. Creates the directories that do not exist. */
const makeDirectories = (root: MemoryDirectory, path: string, now: bigint): MemoryDirectory | LookupFailure => {
  let directory: MemoryDirectory = root
  let current = ""
  for (const segment of pathSegments(path)) {
    current = `${current}/${segment}`
    const found = lookUp(root, current, true)
    if (found === "missing" && !directory.children.has(segment)) {
      const created = newDirectory(now)
      directory.children.set(segment, created)
      directory.modified = now
      directory = created
    } else if (typeof found === "string") return found
    else if (found.node.kind !== "directory") return "not a directory"
    else directory = found.node
  }
  return directory
}

const contentOf = (entry: AsyncIterable<unknown>) =>
  Stream.fromAsyncIterable(entry, invalidTar).pipe(
    Stream.filter((bytes) => bytes instanceof Uint8Array),
    Stream.runCollect,
    Effect.map((chunks): Uint8Array => Buffer.concat([...chunks]))
  )

const invalidTar = (error: unknown): ErrorResponse =>
  refuse(/end of data/.test(String(error)) ? "unexpected EOF" : "archive/tar: invalid tar header")

/** Extracts a tar archive, each entry as it arrives. */
export const extractArchive = (
  tar: Stream.Stream<Uint8Array>,
  options: ExtractOptions
): Effect.Effect<void, ErrorResponse> =>
  Effect.suspend(() => {
    const parser = extract()
    const feed = Effect.zipRight(
      Stream.runForEach(tar, (bytes) => Effect.sync(() => void parser.write(Buffer.from(bytes)))),
      Effect.sync(() => void parser.end(undefined))
    )
    const extractEntries = Stream.fromAsyncIterable(parser, invalidTar).pipe(
      Stream.runForEach((entry) =>
        Effect.flatMap(contentOf(entry), (content) => extractEntry(options, entry.header, content))
      )
    )
    // A parser destroyed midway emits an error that nobody else handles.
    parser.on("error", () => {})
    return Effect.all([feed, extractEntries], { concurrency: 2, discard: true }).pipe(
      Effect.ensuring(Effect.sync(() => parser.destroy()))
    )
  })
