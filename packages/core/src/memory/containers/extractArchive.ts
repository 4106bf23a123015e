import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { extract, type Header } from "tar-stream"
import {
  cleanPath,
  lookUp,
  type MemoryDirectory,
  type MemoryNode,
  newDirectory,
  type NotFound,
  pathSegments
} from "../state/fileTree.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

/** Where a tar is unpacked, and how. */
export interface Extraction {
  readonly root: MemoryDirectory
  /** The folder, with all links followed. */
  readonly folder: string
  readonly noOverwriteDirNonDir: boolean
  /** What is mounted, and can't be replaced. */
  readonly mounts: ReadonlyArray<string>
  /** How the engine says that something is missing. */
  readonly missing: ErrorResponse
  readonly now: Effect.Effect<bigint>
}

const joined = (folder: string, name: string): string => cleanPath(`${folder}/${name}`)

const inodeOf = ({ gid, mode, mtime, uid }: Header) => ({
  mode: mode & 0o7777,
  uid,
  gid,
  modified: BigInt(mtime.getTime()) * 1_000_000n
})

const nodeOf = (header: Header, content: Uint8Array, there: MemoryNode | undefined): MemoryNode => {
  const inode = inodeOf(header)
  switch (header.type) {
    case "directory":
      // One that is there keeps what is in it.
      return Object.assign(there?.kind === "directory" ? there : newDirectory(inode.modified), inode)
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

/** Puts one entry where it belongs, in the way of the engine. */
const put = (extraction: Extraction, header: Header, content: Uint8Array): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const { folder, missing, mounts, noOverwriteDirNonDir, root } = extraction
    const now = yield* extraction.now
    const refused = (words: string) => errorResponse(500, words)
    const path = joined(folder, header.name)
    if (path !== folder && !path.startsWith(folder === "/" ? "/" : `${folder}/`))
      return yield* refused(`${JSON.stringify(header.name)} is outside of ${JSON.stringify(folder)}`)
    const parent = path === folder ? path : cleanPath(`${path}/..`)
    const name = pathSegments(path).at(-1) ?? ""
    const above = yield* foldersTo(extraction, parent, now)
    const failed = (failure: NotFound, verb: string) =>
      failure === "missing" ? missing : refused(`${verb} ${path}: ${failure}`)
    const isFolder = header.type === "directory"
    if (typeof above === "string") return yield* failed(above, isFolder ? "mkdir" : "open")
    if (path === folder) return
    const there = above.children.get(name)
    if (noOverwriteDirNonDir && there !== undefined && (there.kind === "directory") !== isFolder) {
      const [old, fresh] = isFolder ? ["non-directory", "directory"] : ["directory", "non-directory"]
      return yield* refused(`cannot overwrite ${old} ${JSON.stringify(path)} with ${fresh} ${JSON.stringify(folder)}`)
    }
    if (there?.kind === "directory" && !isFolder && mounts.some((mount) => `${mount}/`.startsWith(`${path}/`)))
      return yield* refused(`unlinkat ${parent}/${name}: device or resource busy`)
    if (header.type === "link") {
      const target = joined(folder, header.linkname)
      if (!target.startsWith(folder))
        return yield* refused(`invalid hardlink ${JSON.stringify(target)} -> ${JSON.stringify(header.linkname)}`)
      const found = lookUp(root, target, false)
      if (typeof found === "string") return yield* failed(found, `link ${target}`)
      if (found.node.kind === "directory") return yield* refused(`link ${target} ${path}: operation not permitted`)
      above.children.set(name, found.node)
      // They are one, and get the owner of the later one, by which a program loses set-user-id; the rest they get only where
      // the engine finds the target from the root.
      const { gid, mode, modified, uid } = inodeOf(header)
      Object.assign(found.node, { uid, gid, mode: found.node.mode & ~0o6000 })
      const seen = lookUp(root, header.linkname, false)
      if (typeof seen !== "string" && seen.node.kind !== "symlink") Object.assign(found.node, { mode, modified })
    } else {
      if (header.type === "symlink" && !cleanPath(`${parent}/${header.linkname}`).startsWith(folder))
        return yield* refused(`invalid symlink ${JSON.stringify(path)} -> ${JSON.stringify(header.linkname)}`)
      above.children.set(name, nodeOf(header, content, there))
    }
    if (there === undefined || there.kind !== "directory" || !isFolder) above.modified = now
  })

/** The folder at a path, made with those above it where the tar names none of them. */
const foldersTo = ({ root }: Extraction, path: string, now: bigint): Effect.Effect<MemoryDirectory | NotFound> =>
  Effect.sync(() => {
    let at: MemoryDirectory = root
    let so = ""
    for (const part of pathSegments(path)) {
      so = `${so}/${part}`
      const found = lookUp(root, so, true)
      if (found === "missing" && !at.children.has(part)) {
        const made = newDirectory(now)
        at.children.set(part, made)
        at.modified = now
        at = made
      } else if (typeof found === "string") return found
      else if (found.node.kind !== "directory") return "not a directory"
      else at = found.node
    }
    return at
  })

const contentOf = (entry: AsyncIterable<unknown>) =>
  Stream.fromAsyncIterable(entry, tarRefusal).pipe(
    Stream.filter((bytes) => bytes instanceof Uint8Array),
    Stream.runCollect,
    Effect.map((chunks): Uint8Array => Buffer.concat([...chunks]))
  )

const tarRefusal = (error: unknown): ErrorResponse =>
  errorResponse(500, /end of data/.test(String(error)) ? "unexpected EOF" : "archive/tar: invalid tar header")

/** Unpacks a tar, each entry as soon as it has come. */
export const extractTar = (
  tar: Stream.Stream<Uint8Array>,
  extraction: Extraction
): Effect.Effect<void, ErrorResponse> =>
  Effect.suspend(() => {
    const parser = extract()
    const feeding = Effect.zipRight(
      Stream.runForEach(tar, (bytes) => Effect.sync(() => void parser.write(Buffer.from(bytes)))),
      Effect.sync(() => void parser.end(undefined))
    )
    const taking = Stream.fromAsyncIterable(parser, tarRefusal).pipe(
      Stream.runForEach((entry) =>
        Effect.flatMap(contentOf(entry), (content) => put(extraction, entry.header, content))
      )
    )
    // A parser that is destroyed in mid-way says so, to nobody.
    parser.on("error", () => {})
    return Effect.all([feeding, taking], { concurrency: 2, discard: true }).pipe(
      Effect.ensuring(Effect.sync(() => parser.destroy()))
    )
  })
