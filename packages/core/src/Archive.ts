/**
 * Files in containers, read and written as tar archives or one by one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { posix } from "node:path"
import { Docker, type DockerRequest, type DockerShape } from "./Docker.js"
import { type ContainerNotFound, type DockerFailure, EngineError, FileNotFound, InvalidRequest } from "./DockerError.js"
import { decodeResponse } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError } from "./internal/api/errorRules.js"
import { containerPath } from "./internal/api/names.js"
import { packTar } from "./internal/tar/packTar.js"
import { verifyTar } from "./internal/tar/verifyTar.js"

/**
 * A file or directory in a container.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FileStat = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literal("file", "directory", "symlink", "device", "pipe", "socket", "other"),
  size: Schema.Number.annotations({ description: "In bytes" }),
  mode: Schema.Number.annotations({
    description: "The permission bits with set-user-ID, set-group-ID and sticky, such as 0o4755"
  }),
  modified: Schema.String.annotations({ description: "The modification time, RFC 3339" }),
  linkTarget: Schema.optionalWith(
    Schema.String.annotations({
      description: "The absolute path that a symbolic link leads to in the end, whether it exists or not"
    }),
    { exact: true }
  )
}).annotations({ identifier: "FileStat", description: "A file or directory in a container" })

/**
 * @since 0.1.0
 * @category models
 */
export type FileStat = typeof FileStat.Type

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

const decodePathStat = decodeResponse(
  Schema.parseJson(
    Schema.Struct({
      name: Schema.String,
      size: Schema.Number,
      mode: Schema.Number,
      mtime: Schema.String,
      linkTarget: Schema.optional(Schema.String)
    })
  )
)

// The bits of Go's io/fs.FileMode.
const kinds = [
  [31, "directory"],
  [27, "symlink"],
  [26, "device"],
  [25, "pipe"],
  [24, "socket"],
  [19, "other"]
] as const
const modeBits = [
  [23, 0o4000],
  [22, 0o2000],
  [20, 0o1000]
] as const

const hasBit = (mode: number, bit: number): boolean => Math.floor(mode / 2 ** bit) % 2 === 1

const toFileStat = (stat: Effect.Effect.Success<ReturnType<typeof decodePathStat>>): FileStat => {
  const { linkTarget, mode, mtime, name, size } = stat
  const kind = kinds.find(([bit]) => hasBit(mode, bit))?.[1] ?? "file"
  return {
    name,
    kind,
    size,
    mode: modeBits.reduce((sum, [bit, value]) => sum + (hasBit(mode, bit) ? value : 0), mode % 0o1000),
    modified: mtime,
    // For anything but a symbolic link, Podman sends the path itself.
    ...(kind !== "symlink" || linkTarget === undefined || linkTarget === "" ? {} : { linkTarget })
  }
}

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

const decodeStat = (request: DockerRequest, status: number, headers: Readonly<Record<string, string>> | undefined) => {
  const encoded = headers?.["x-docker-container-path-stat"] ?? ""
  const text = Buffer.from(encoded, "base64").toString("utf8")
  return Effect.map(decodePathStat(request, status, text), toFileStat)
}

/** Opens the archive of a path. Its stat is in the head of the response. */
const open = (docker: DockerShape, id: string, path: string) =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "GET", path: yield* archivePath(id, path), query: { path } }
    const { body, headers, status } = yield* docker.stream(request)
    return { body, stat: yield* decodeStat(request, status, headers) }
  })

const stat = (docker: DockerShape, id: string, path: string): Effect.Effect<FileStat, ArchiveError> =>
  Effect.gen(function* () {
    const request: DockerRequest = { method: "HEAD", path: yield* archivePath(id, path), query: { path } }
    return yield* docker.json(request).pipe(
      Effect.flatMap(({ headers, status }) => decodeStat(request, status, headers)),
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
    Effect.map(open(docker, id, contentOfRoot(path)), ({ body }) => verifyTar(body)).pipe(mapReadErrors(id, path))
  )

const put = <E, R>(
  docker: DockerShape,
  id: string,
  path: string,
  tar: Stream.Stream<Uint8Array, E, R>,
  options: PutOptions
): Effect.Effect<void, ArchiveError | E, R> =>
  Effect.gen(function* () {
    const request = { method: "PUT", path: yield* archivePath(id, path) } as const
    const context = yield* Effect.context<R>()
    const failed = yield* Deferred.make<never, E | InvalidRequest>()
    // An upload cannot fail. If the archive does, the upload waits until the failure has interrupted the request.
    const upload = verifyTar(tar).pipe(
      Stream.provideContext(context),
      Stream.catchAllCause((cause) => Stream.execute(Effect.zipRight(Deferred.failCause(failed, cause), Effect.never)))
    )
    const query = { path, noOverwriteDirNonDir: options.noOverwriteDirNonDir, copyUIDGID: options.copyUIDGID }
    yield* Effect.raceFirst(docker.json({ ...request, query, upload }), Deferred.await(failed))
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
    const reader = () => (bytes: Uint8Array) => {
      size += bytes.length
      if (size <= maxBytes) chunks.push(bytes)
    }
    yield* Stream.runDrain(verifyTar(body, reader))
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
  const read = Effect.fn("Archive.readFile")((id: string, path: string, options: ReadFileOptions = {}) =>
    readFile(docker, id, path, options)
  )
  return {
    stat: Effect.fn("Archive.stat")((id: string, path: string) => stat(docker, id, path)),
    get: (id, path) => get(docker, id, path),
    put: Effect.fn("Archive.put")(
      <E, R>(id: string, path: string, tar: Stream.Stream<Uint8Array, E, R>, options: PutOptions = {}) =>
        put(docker, id, path, tar, options)
    ),
    readFile: read,
    readFileString: Effect.fn("Archive.readFileString")((id: string, path: string, options?: ReadFileOptions) =>
      Effect.map(read(id, path, options), (content) => new TextDecoder().decode(content))
    ),
    writeFile: Effect.fn("Archive.writeFile")(
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
   * absolute, contains `..`, or leads through a link. `GET /containers/{id}/archive`
   */
  readonly get: (id: string, path: string) => Stream.Stream<Uint8Array, ArchiveError>
  /**
   * Extracts a tar archive into an existing directory. The archive is pulled no faster than the engine reads it. Rejects the
   * same entries as `get`; those before a rejected entry have been extracted. `PUT /containers/{id}/archive`
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
