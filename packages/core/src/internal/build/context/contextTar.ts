import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import type { InvalidRequest } from "../../../DockerError.js"
import { encodeTarHeader, paddingLength, type TarEntryType } from "../../tar/tarHeader.js"
import { type BuildContext, ignoreFileName } from "./buildContext.js"
import type { ContextEntry } from "./contextEntry.js"
import { readError } from "./contextError.js"
import { openContextFile } from "./contextFile.js"
import { ContextWalk } from "./contextWalk.js"
import { findLocalPaths } from "./localPaths.js"

/** How many files are read at the same time. */
const parallel = 8
/** Longer files are read piece by piece. */
const pieceLength = 64 * 1024
/** How much is collected before it is handed out. */
const chunkLength = 128 * 1024

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1")

const headerOf = (entry: ContextEntry, type: TarEntryType): Buffer =>
  encodeTarHeader({
    type,
    name: latin1(type === "directory" ? `${entry.path}/` : entry.path),
    linkName: latin1(entry.linkTarget),
    size: entry.size,
    mode: entry.mode,
    // All belong to root, as in every build context.
    uid: 0,
    gid: 0,
    userName: "",
    groupName: "",
    modified: Number(entry.modified / 1_000_000_000n),
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
    records: new Map()
  })

/** Reads a file that is not long, with its header before it and the padding behind it. */
const readSmallFile = async (root: string, entry: ContextEntry): Promise<Buffer> => {
  const header = headerOf(entry, "file")
  const bytes = Buffer.alloc(header.length + entry.size + paddingLength(entry.size))
  bytes.set(header)
  if (entry.size > 0) {
    const file = await openContextFile(root, entry.path)
    try {
      await file.fill(bytes.subarray(header.length, header.length + entry.size))
    } finally {
      await file.close()
    }
  }
  return bytes
}

async function* readLongFile(root: string, entry: ContextEntry): AsyncGenerator<Buffer, void> {
  yield headerOf(entry, "file")
  const file = await openContextFile(root, entry.path)
  try {
    for (let remaining = entry.size; remaining > 0;) {
      const piece = Buffer.allocUnsafe(Math.min(remaining, chunkLength))
      await file.fill(piece)
      remaining -= piece.length
      yield piece
    }
  } finally {
    await file.close()
  }
  yield Buffer.alloc(paddingLength(entry.size))
}

/** Applies a function to values in their order, to some of them at the same time. */
async function* mapAhead<A, B>(values: Iterable<A>, apply: (value: A) => Promise<B>): AsyncGenerator<B, void> {
  const running: Array<Promise<B>> = []
  for (const value of values) {
    const result = apply(value)
    // It is rethrown when it is its turn.
    result.catch(() => {})
    running.push(result)
    const first = running.length === parallel ? running.shift() : undefined
    if (first !== undefined) yield await first
  }
  for (const result of running) yield await result
}

async function* folderPieces(
  root: string,
  walk: AsyncIterable<ReadonlyArray<ContextEntry>>
): AsyncGenerator<Buffer, void> {
  for await (const batch of walk) {
    const read = async (entry: ContextEntry): Promise<Buffer | ContextEntry> => {
      if (entry.kind !== "file") return entry.kind === "socket" ? Buffer.alloc(0) : headerOf(entry, entry.kind)
      return entry.size > pieceLength ? entry : readSmallFile(root, entry)
    }
    for await (const found of mapAhead(batch, read)) {
      if (Buffer.isBuffer(found)) yield found
      else yield* readLongFile(root, found)
    }
  }
}

/** An entry that is packed from memory. */
const documentPiece = (path: string, content: Uint8Array, modified: bigint): Buffer => {
  const plain = { linkTarget: "", deviceMajor: 0, deviceMinor: 0 }
  const header = headerOf({ path, kind: "file", mode: 0o644, size: content.length, modified, ...plain }, "file")
  return Buffer.concat([header, content, Buffer.alloc(paddingLength(content.length))])
}

/**
 * The ignore file in the archive, if it is not that of the folder. Builders remove the Dockerfile and this file from the
 * context if it says so, and Podman applies all of it, so it must be the one that applies.
 */
const ignoreDocument = (context: BuildContext, added: string | undefined): string | undefined => {
  const { exclude, ignoreFile, ownIgnoreFile } = context
  if (added === undefined && ownIgnoreFile === undefined) return undefined
  const isWanted = ignoreFile !== undefined && !exclude.matches(ignoreFileName, undefined, exclude.results())
  const text = Buffer.from((ownIgnoreFile ?? ignoreFile)?.content ?? new Uint8Array()).toString("utf8")
  return [text, ...(added === undefined ? [] : [added]), ...(isWanted ? [] : [ignoreFileName]), ""].join("\n")
}

async function* tarPieces(context: BuildContext, dockerfile: string, isAdded: boolean): AsyncGenerator<Buffer, void> {
  const { exclude, folder, ignoreFile } = context
  const replaced = ignoreDocument(context, isAdded ? dockerfile : undefined)
  const missing = new Set([dockerfile, ...(ignoreFile === undefined && replaced === undefined ? [] : [ignoreFileName])])
  if (folder !== undefined) {
    const walk = new ContextWalk(folder, { exclude }, await findLocalPaths(folder))
    const taken = async function* () {
      for await (const batch of walk.batches()) {
        for (const { path } of batch) if (path !== ignoreFileName || replaced === undefined) missing.delete(path)
        yield replaced === undefined ? batch : batch.filter(({ path }) => path !== ignoreFileName)
      }
    }
    yield* folderPieces(folder, taken())
  }
  const modified = context.dockerfile.modified
  if (missing.has(dockerfile)) yield documentPiece(dockerfile, context.dockerfile.content, modified)
  if (missing.has(ignoreFileName)) {
    const text = replaced === undefined ? ignoreFile?.content : Buffer.from(replaced, "utf8")
    yield documentPiece(ignoreFileName, text ?? new Uint8Array(), modified)
  }
  yield Buffer.alloc(1024)
}

async function* collect(pieces: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array, void> {
  let chunk: Array<Buffer> = []
  let length = 0
  for await (const piece of pieces) {
    chunk.push(piece)
    length += piece.length
    if (length < chunkLength) continue
    yield Buffer.concat(chunk)
    chunk = []
    length = 0
  }
  yield Buffer.concat(chunk)
}

/** A context as a tar archive. */
export interface ContextTar {
  /** The path of the Dockerfile in the archive, for the parameter `dockerfile` of `POST /build`. */
  readonly dockerfile: string
  /** Read as it is pulled. Can be run once for each build. */
  readonly tar: Stream.Stream<Uint8Array, InvalidRequest>
}

/**
 * Packs a context for a builder without sessions: without what its ignore file excludes, but always with the Dockerfile and
 * the ignore file, which such a builder reads there, and then removes if they are excluded. Sockets are left out, as the
 * docker command does.
 */
export const contextTar = (context: BuildContext): ContextTar => {
  const dockerfile = context.dockerfilePath ?? `.dockerfile.${randomBytes(10).toString("hex")}`
  const isAdded = context.dockerfilePath === undefined
  return {
    dockerfile,
    tar: Stream.suspend(() =>
      Stream.fromAsyncIterable(collect(tarPieces(context, dockerfile, isAdded)), (error) =>
        readError(context.folder ?? "", "", error)
      )
    )
  }
}
