/**
 * Files in containers, read and written as tar archives or one by one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { posix } from "node:path"
import { Docker, type DockerRequest, type DockerShape } from "./Docker.js"
import { type ContainerNotFound, type DockerFailure, EngineError, FileNotFound, InvalidRequest } from "./DockerError.js"
import { decodeFileStat, type FileStat } from "./internal/archive/fileStat.js"
import { containerNotFound, mapEngineError } from "./internal/api/errors/errorRules.js"
import { containerPath } from "./internal/api/names.js"
import { traced } from "./internal/api/traced.js"
import { uploadStream } from "./internal/api/streams/uploadStream.js"
import { extractTar } from "./internal/tar/extractTar.js"
import { packTar } from "./internal/tar/packTar.js"
import { repackTar } from "./internal/tar/repackTar.js"
import { readTar } from "./internal/tar/readTar.js"
import type { TarPathNode } from "./internal/tar/tarPaths.js"

export { FileStat } from "./internal/archive/fileStat.js"

/**
 * How to extract an archive.
 *
 * @since 0.1.0
 * @category models
 */
export interface PutOptions {
  /** Fails instead of replacing a directory with a file, or a file with a directory. Default `false`. */
  readonly noOverwriteDirNonDir?: boolean
  /** Keeps the numeric owners in the archive, also where the container's user namespace would map them. */
  readonly copyUIDGID?: boolean
}

/**
 * How to write a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface WriteFileOptions {
  /** The permission bits. Default `0o644`. */
  readonly mode?: number
  /** The numeric owner, as in the container. Default root. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/**
 * How to read a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReadFileOptions {
  /** Longer files are not read, and fail with `InvalidRequest`. Default 64 MiB. */
  readonly maxBytes?: number
}

/**
 * What reading or writing files can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ArchiveError = ContainerNotFound | FileNotFound | InvalidRequest | DockerFailure

const fileNotFound = (containerId: string, path: string, error: EngineError): FileNotFound | undefined =>
  (error.status === 404 && /could not find the file|no such file/i.test(error.detail)) ||
  (error.status === 500 && /lstat .*: not a directory/.test(error.detail))
    ? new FileNotFound({ containerId, path, detail: error.detail })
    : undefined

/** Messages about the request itself. The engine sends them with various statuses. */
const rejectedPut =
  /not a directory|is a directory|cannot overwrite|file exists$|marked read-only|read-only file system|archive\/tar|unexpected EOF/i

const invalidPut = (path: string, error: EngineError): InvalidRequest | undefined =>
  error.status === 400 || rejectedPut.test(error.detail)
    ? new InvalidRequest({ field: "path", value: path, detail: error.detail })
    : undefined

const mapReadErrors = (id: string, path: string) =>
  mapEngineError((error) => containerNotFound(id, error) ?? fileNotFound(id, path, error))

const mapWriteErrors = (id: string, path: string) =>
  mapEngineError((error) => containerNotFound(id, error) ?? fileNotFound(id, path, error) ?? invalidPut(path, error))

const invalidPath = (value: string, detail: string) => new InvalidRequest({ field: "path", value, detail })

const archivePath = (id: string, path: string) =>
  path === "" || path.includes("\0")
    ? invalidPath(path, "must not be empty or contain a null character")
    : containerPath(id, "/archive")

/** Opens the archive of a path. Its stat is in the head of the response. */
const open = (docker: DockerShape, id: string, path: string) =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "GET", path: yield* archivePath(id, path), query: { path } }
    const { body, headers, status } = yield* docker.stream(request)
    return { body, stat: yield* decodeFileStat(request, status, headers) }
  })

const stat = (docker: DockerShape, id: string, path: string): Effect.Effect<FileStat, ArchiveError> =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "HEAD", path: yield* archivePath(id, path), query: { path } }
    return yield* docker.json(request).pipe(
      Effect.flatMap(({ headers, status }) => decodeFileStat(request, status, headers)),
      // The response to HEAD has no body, and so no error message. GET has.
      Effect.catchIf(
        (error) => error instanceof EngineError && error.status >= 400 && error.detail === "",
        () => Effect.scoped(Effect.map(open(docker, id, path), ({ stat }) => stat))
      )
    )
  }).pipe(mapReadErrors(id, path))

/** The engine gives the entries of the root directory absolute names, but not those of its content, `/.`. */
const contentOfRoot = (path: string): string => (path !== "" && posix.resolve("/", path) === "/" ? "/." : path)

const get = (docker: DockerShape, id: string, path: string): Stream.Stream<Uint8Array, ArchiveError> =>
  Stream.unwrapScoped(
    Effect.map(open(docker, id, contentOfRoot(path)), ({ body }) => repackTar(body)).pipe(mapReadErrors(id, path))
  )

/** The path of a directory with all links in it resolved. */
const realPath = (docker: DockerShape, id: string, path: string): Effect.Effect<string, ArchiveError> =>
  Effect.reduce(posix.resolve("/", path).split("/").filter(Boolean), "/", (directory, segment) =>
    Effect.map(stat(docker, id, posix.join(directory, segment)), ({ linkTarget }) =>
      linkTarget === undefined ? posix.join(directory, segment) : linkTarget
    )
  )

/** Describes a path in a directory of a container. The target of a link is relative, and so is that of one that leads out. */
const describeExisting = (docker: DockerShape, id: string, directory: string, path: string) =>
  stat(docker, id, posix.join("/", directory, path)).pipe(
    Effect.flatMap(({ kind, linkTarget }): Effect.Effect<TarPathNode, ArchiveError> => {
      if (linkTarget === undefined) return Effect.succeed(kind === "directory" ? kind : "other")
      return Effect.map(realPath(docker, id, posix.join("/", directory, path, "..")), (parent) => ({
        target: posix.relative(parent, linkTarget),
        isExisting: true
      }))
    }),
    Effect.catchTag("FileNotFound", () => Effect.succeed("missing" as const))
  )

const put = <E, R>(
  docker: DockerShape,
  id: string,
  path: string,
  tar: Stream.Stream<Uint8Array, E, R>,
  options: PutOptions
): Effect.Effect<void, ArchiveError | E, R> =>
  Effect.gen(function* () {
    const query = { path, noOverwriteDirNonDir: options.noOverwriteDirNonDir, copyUIDGID: options.copyUIDGID }
    const request = { method: "PUT", path: yield* archivePath(id, path), query } as const
    yield* extractTar<E, R, ArchiveError, never>(tar, {
      describe: (below) => describeExisting(docker, id, path, below),
      upload: (part) => Effect.asVoid(uploadStream(docker, request, part))
    })
  }).pipe(mapWriteErrors(id, path))

/** Reads the content of a file, or the target of a symbolic link. Errors name `path`, which led to `readPath`. */
const readFileOrLink = (docker: DockerShape, id: string, path: string, readPath: string, maxBytes: number) =>
  Effect.gen(function* () {
    const { body, stat } = yield* open(docker, id, readPath)
    if (stat.kind === "symlink") return stat.linkTarget ?? ""
    if (stat.kind !== "file") return yield* invalidPath(path, `must be a file, but is a ${stat.kind}`)
    const tooLong = (size: string) =>
      invalidPath(path, `the file has ${size} bytes, and the limit is ${maxBytes}. Read it with Archive.get`)
    if (stat.size > maxBytes) return yield* tooLong(String(stat.size))
    const chunks: Array<Uint8Array> = []
    let size = 0
    yield* Stream.runForEach(readTar(body), (item) =>
      Effect.sync(() => {
        if (item._tag !== "Content") return
        size += item.bytes.length
        if (size <= maxBytes) chunks.push(item.bytes)
      })
    )
    // The file may have grown after its stat.
    if (size > maxBytes) return yield* tooLong(String(size))
    const content: Uint8Array = Buffer.concat(chunks)
    return content
  }).pipe(Effect.scoped)

const readFile = (
  docker: DockerShape,
  id: string,
  path: string,
  options: ReadFileOptions
): Effect.Effect<Uint8Array, ArchiveError> =>
  Effect.gen(function* () {
    const maxBytes = options.maxBytes ?? 64 * 1024 * 1024
    const found = yield* readFileOrLink(docker, id, path, path, maxBytes)
    if (typeof found !== "string") return found
    // The engine has followed the link to its end.
    const target = yield* readFileOrLink(docker, id, path, found, maxBytes)
    return typeof target === "string" ? yield* invalidPath(path, "the symbolic link leads to another one") : target
  }).pipe(mapReadErrors(id, path))

const encoder = new TextEncoder()

const writeFile = (
  docker: DockerShape,
  id: string,
  path: string,
  content: Uint8Array | string,
  options: WriteFileOptions
): Effect.Effect<void, ArchiveError> =>
  Effect.suspend(() => {
    const [, directory = "", name = ""] = /^(.*?)([^/]+)$/s.exec(path) ?? []
    if (name === "" || name === "." || name === "..") return invalidPath(path, "must be the path of a file")
    const header = {
      name,
      mode: options.mode ?? 0o644,
      uid: options.owner?.uid ?? 0,
      gid: options.owner?.gid ?? 0,
      mtime: new Date()
    }
    const tar = packTar([{ header, content: typeof content === "string" ? encoder.encode(content) : content }])
    return put(docker, id, directory === "" ? "/" : directory, tar, { noOverwriteDirNonDir: true })
  })

const make = Effect.map(Docker, (docker): ArchiveShape => {
  const read = traced("Archive.readFile")((id: string, path: string, options: ReadFileOptions = {}) =>
    readFile(docker, id, path, options)
  )
  return {
    stat: traced("Archive.stat")((id: string, path: string) => stat(docker, id, path)),
    get: (id, path) => get(docker, id, path),
    put: traced("Archive.put")(
      <E, R>(id: string, path: string, tar: Stream.Stream<Uint8Array, E, R>, options: PutOptions = {}) =>
        put(docker, id, path, tar, options)
    ),
    readFile: read,
    readFileString: traced("Archive.readFileString")((id: string, path: string, options?: ReadFileOptions) =>
      Effect.map(read(id, path, options), (content) => new TextDecoder().decode(content))
    ),
    writeFile: traced("Archive.writeFile")(
      (id: string, path: string, content: Uint8Array | string, options: WriteFileOptions = {}) =>
        writeFile(docker, id, path, content, options)
    )
  }
})

/**
 * The container need not be running. Paths are those inside the container; symbolic links in their directories are
 * followed.
 *
 * @since 0.1.0
 * @category services
 */
export interface ArchiveShape {
  /** Describes a file or directory. A symbolic link is not followed. `HEAD /containers/{id}/archive` */
  readonly stat: (id: string, path: string) => Effect.Effect<FileStat, ArchiveError>
  /**
   * Streams a file, or a directory with everything in it, as a tar archive. The names of its entries begin with the name of
   * the file or directory, or with `.` for the root directory. Nothing is read before it is pulled. Fails with
   * `InvalidRequest` in place of an entry that would be extracted outside of the target directory, because its path is
   * absolute, contains `..`, or leads through a link. The archive is in the POSIX format, whatever the engine sends, and a
   * hard link to a symbolic link is a symbolic link in it. `GET /containers/{id}/archive`
   */
  readonly get: (id: string, path: string) => Stream.Stream<Uint8Array, ArchiveError>
  /**
   * Extracts a tar archive into an existing directory. The archive is pulled no faster than the engine reads it.
   *
   * Reads the formats that tar writes: v7, ustar, GNU and POSIX, with long names, hard links, devices, pipes and extended
   * attributes. The engine gets the entries packed again, so that it understands them as they were checked. Fails with
   * `InvalidRequest` for what is ambiguous or not supported (sparse files, incremental dumps, several volumes, compression),
   * and for the entries that `get` rejects. Entries before a rejected one may have been extracted.
   *
   * Nothing is extracted outside of the directory, neither through links in the archive nor through those that are in the
   * directory already: where the archive has no entry for a directory, the directory is looked at first, and the archive is
   * uploaded in parts. This does not hold against a process in the container that replaces directories by links meanwhile.
   * `HEAD /containers/{id}/archive`, `PUT /containers/{id}/archive`
   */
  readonly put: <E, R>(
    id: string,
    path: string,
    tar: Stream.Stream<Uint8Array, E, R>,
    options?: PutOptions
  ) => Effect.Effect<void, ArchiveError | E, R>
  /** Reads a file. Symbolic links are followed. `GET /containers/{id}/archive` */
  readonly readFile: (id: string, path: string, options?: ReadFileOptions) => Effect.Effect<Uint8Array, ArchiveError>
  /** Reads a file, and decodes it as UTF-8. */
  readonly readFileString: (id: string, path: string, options?: ReadFileOptions) => Effect.Effect<string, ArchiveError>
  /**
   * Writes a file into an existing directory. Replaces a file or symbolic link of the same name.
   * `PUT /containers/{id}/archive`
   */
  readonly writeFile: (
    id: string,
    path: string,
    content: Uint8Array | string,
    options?: WriteFileOptions
  ) => Effect.Effect<void, ArchiveError>
}

/**
 * Reads and writes files in containers.
 *
 * @example
 * ```ts
 * import { Archive, Docker } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const archive = yield* Archive
 *   yield* archive.writeFile("web", "/tmp/settings", "colour=red", { mode: 0o600 })
 *   const { kind, size } = yield* archive.stat("web", "/tmp/settings")
 *   return { kind, size, text: yield* archive.readFileString("web", "/tmp/settings") }
 * })
 *
 * const live = Archive.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Archive extends Context.Tag("@dockwire/core/Archive")<Archive, ArchiveShape>() {
  /**
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Archive, never, Docker> = Layer.effect(Archive, make)
}
