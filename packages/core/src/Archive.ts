import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { posix } from "node:path"
import { Docker, type DockerRequest } from "./Docker.js"
import { type ContainerNotFound, type DockerFailure, EngineError, FileNotFound, InvalidRequest } from "./DockerError.js"
import { decodeResponse } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError } from "./internal/api/errorRules.js"
import { containerPath } from "./internal/api/names.js"
import { checkedTar } from "./internal/tar/tarCheck.js"
import { packedTar } from "./internal/tar/tarPack.js"

/** What stands at a path of a container. */
export interface FileStat {
  readonly name: string
  readonly kind: "file" | "directory" | "symlink" | "device" | "pipe" | "socket" | "other"
  /** Bytes. */
  readonly size: number
  /** Permissions, with set-user-id, set-group-id and sticky: `0o4755`. */
  readonly mode: number
  /** RFC 3339. */
  readonly modified: string
  /** Of a symbolic link: where it leads in the end, absolute, whether something is there or not. */
  readonly linkTarget?: string
}

/** How a tar is put in. */
export interface PutOptions {
  /** Refuses to put a folder in the place of something else, or something else in the place of a folder. */
  readonly noOverwriteDirNonDir?: boolean
  /** Keeps the owners that the tar names, where the container's user namespace would map them. */
  readonly copyUIDGID?: boolean
}

/** How a file is written. */
export interface WriteFileOptions {
  /** Permissions. Default `0o644`. */
  readonly mode?: number
  /** Numbers, as the container's own users have. Default 0, root. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/** How a file is read. */
export interface ReadFileOptions {
  /** One that is longer is refused: it is better read with `get`. Default 64 MiB. */
  readonly maxBytes?: number
}

/** What files of a container can't be had for. */
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

// The engine speaks of files as Go's io/fs does.
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

const fileStat = ({
  linkTarget,
  mode,
  mtime,
  name,
  size
}: Effect.Effect.Success<ReturnType<typeof decodePathStat>>) => {
  const kind = kinds.find(([bit]) => hasBit(mode, bit))?.[1] ?? "file"
  const stat: FileStat = {
    name,
    kind,
    size,
    mode: modeBits.reduce((sum, [bit, value]) => sum + (hasBit(mode, bit) ? value : 0), mode % 0o1000),
    modified: mtime,
    // Podman gives everything's own path there.
    ...(kind !== "symlink" || linkTarget === undefined || linkTarget === "" ? {} : { linkTarget })
  }
  return stat
}

const fileNotFound = (containerId: string, path: string, error: EngineError): FileNotFound | undefined =>
  (error.status === 404 && /could not find the file|no such file/i.test(error.detail)) ||
  (error.status === 500 && /lstat .*: not a directory/.test(error.detail))
    ? new FileNotFound({ containerId, path, detail: error.detail })
    : undefined

/** What the engine says, with whatever status, of a request that can't be met as it is. */
const refusedPut =
  /not a directory|is a directory|cannot overwrite|file exists$|marked read-only|read-only file system|archive\/tar|unexpected EOF/i

const invalidPut = (path: string, error: EngineError): InvalidRequest | undefined =>
  error.status === 400 || refusedPut.test(error.detail)
    ? new InvalidRequest({ field: "path", value: path, detail: error.detail })
    : undefined

/** Of the root itself the engine makes a tar with absolute names, but where it is asked for what is in it. */
const fromRoot = (path: string): string => (path !== "" && posix.resolve("/", path) === "/" ? "/." : path)

const encoder = new TextEncoder()

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const archivePath = (id: string, path: string) =>
    path === "" || path.includes("\0")
      ? Effect.fail(new InvalidRequest({ field: "path", value: path, detail: "give the path of a file or folder" }))
      : containerPath(id, "/archive")

  const rules = (id: string, path: string) =>
    mapEngineError((error) => containerNotFound(id, error) ?? fileNotFound(id, path, error))

  /** The answer with the tar still to be read, and what it is of. */
  const open = (id: string, path: string) =>
    Effect.gen(function* () {
      const request: DockerRequest = { method: "GET", path: yield* archivePath(id, path), query: { path } }
      const { body, headers, status } = yield* docker.stream(request)
      return { body, stat: yield* statOf(request, status, headers) }
    })

  const statOf = (request: DockerRequest, status: number, headers: Readonly<Record<string, string>> | undefined) =>
    Effect.map(
      decodePathStat(
        request,
        status,
        Buffer.from(headers?.["x-docker-container-path-stat"] ?? "", "base64").toString("utf8")
      ),
      fileStat
    )

  const stat = Effect.fn("Archive.stat")(
    function* (id: string, path: string) {
      const request: DockerRequest = { method: "HEAD", path: yield* archivePath(id, path), query: { path } }
      return yield* docker.json(request).pipe(
        Effect.flatMap(({ headers, status }) => statOf(request, status, headers)),
        // An answer to HEAD has no body, and so no words; asked otherwise the engine says what is wrong.
        Effect.catchIf(
          (error) => error instanceof EngineError && error.status >= 400 && error.detail === "",
          () => Effect.scoped(Effect.map(open(id, path), ({ stat }) => stat))
        )
      )
    },
    (effect, id, path) => rules(id, path)(effect)
  )

  const get = (id: string, path: string): Stream.Stream<Uint8Array, ArchiveError> =>
    Stream.unwrapScoped(Effect.map(open(id, fromRoot(path)), ({ body }) => checkedTar(body)).pipe(rules(id, path)))

  const put = Effect.fn("Archive.put")(
    function* <E, R>(id: string, path: string, tar: Stream.Stream<Uint8Array, E, R>, options: PutOptions = {}) {
      const request = { method: "PUT", path: yield* archivePath(id, path) } as const
      const context = yield* Effect.context<R>()
      const failed = yield* Deferred.make<never, E | InvalidRequest>()
      // The door takes no failing stream: what comes to fail holds, until its failure has ended the request.
      const upload = checkedTar(tar).pipe(
        Stream.provideContext(context),
        Stream.catchAllCause((cause) =>
          Stream.execute(Effect.zipRight(Deferred.failCause(failed, cause), Effect.never))
        )
      )
      const query = {
        path,
        noOverwriteDirNonDir: options.noOverwriteDirNonDir,
        copyUIDGID: options.copyUIDGID
      }
      yield* Effect.raceFirst(docker.json({ ...request, query, upload }), Deferred.await(failed))
    },
    (effect, id, path) =>
      mapEngineError(
        (error) => containerNotFound(id, error) ?? fileNotFound(id, path, error) ?? invalidPut(path, error)
      )(effect)
  )

  const readFile = Effect.fn("Archive.readFile")(
    function* (id: string, path: string, options: ReadFileOptions = {}) {
      const maxBytes = options.maxBytes ?? 64 * 1024 * 1024
      const invalid = (detail: string) => new InvalidRequest({ field: "path", value: path, detail })
      const readFrom = (path: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { body, stat } = yield* open(id, path)
            if (stat.kind === "symlink") return stat.linkTarget ?? ""
            if (stat.kind !== "file") return yield* invalid(`it is no file but a ${stat.kind}`)
            if (stat.size > maxBytes)
              return yield* invalid(`it has ${stat.size} bytes, more than ${maxBytes}; read it with Archive.get`)
            const chunks: Array<Uint8Array> = []
            let size = 0
            const reader = () => (bytes: Uint8Array) => {
              size += bytes.length
              // It may have grown since the engine looked.
              if (size <= maxBytes) chunks.push(bytes)
            }
            yield* Stream.runDrain(checkedTar(body, reader))
            if (size > maxBytes) return yield* invalid(`it has more than ${maxBytes} bytes; read it with Archive.get`)
            const content: Uint8Array = Buffer.concat(chunks)
            return content
          })
        )
      const found = yield* readFrom(path)
      if (typeof found !== "string") return found
      // The engine has followed the link to its end.
      const target = yield* readFrom(found)
      return typeof target === "string" ? yield* invalid("it is a symbolic link that leads to another") : target
    },
    (effect, id, path) => rules(id, path)(effect)
  )

  const readFileString = Effect.fn("Archive.readFileString")(function* (
    id: string,
    path: string,
    options?: ReadFileOptions
  ) {
    return new TextDecoder().decode(yield* readFile(id, path, options))
  })

  const writeFile = Effect.fn("Archive.writeFile")(function* (
    id: string,
    path: string,
    content: Uint8Array | string,
    options: WriteFileOptions = {}
  ) {
    const parts = /^(.*?)([^/]+)$/s.exec(path)
    const [, folder = "", name = ""] = parts ?? []
    if (name === "" || name === "." || name === "..")
      return yield* new InvalidRequest({ field: "path", value: path, detail: "give the path of a file" })
    const bytes = typeof content === "string" ? encoder.encode(content) : content
    const header = {
      name,
      mode: options.mode ?? 0o644,
      uid: options.owner?.uid ?? 0,
      gid: options.owner?.gid ?? 0,
      mtime: new Date()
    }
    yield* put(id, folder === "" ? "/" : folder, packedTar([{ header, content: bytes }]), {
      noOverwriteDirNonDir: true
    })
  })

  return { get, put, readFile, readFileString, stat, writeFile }
})

/** The shape of `Archive`. The container need not run; paths are those inside it, links in their folders are followed. */
export interface ArchiveShape {
  /** What stands at a path; a link itself, not what it leads to. `HEAD /containers/{id}/archive` */
  readonly stat: (id: string, path: string) => Effect.Effect<FileStat, ArchiveError>
  /**
   * A file or a folder with all in it, as a tar whose names begin with its own, or with `.` where that is the root. Nothing
   * is read ahead of its reader. A tar with an entry that leads out of the folder where it is unpacked (`..`, absolute, through a link) fails before that entry
   * comes. `GET /containers/{id}/archive`
   */
  readonly get: (id: string, path: string) => Stream.Stream<Uint8Array, ArchiveError>
  /**
   * Unpacks a tar into a folder that is there. The tar is read no faster than the engine takes it, and is refused as with
   * `get`; what came before the refused entry has been unpacked. `PUT /containers/{id}/archive`
   */
  readonly put: <E, R>(
    id: string,
    path: string,
    tar: Stream.Stream<Uint8Array, E, R>,
    options?: PutOptions
  ) => Effect.Effect<void, ArchiveError | E, R>
  /** A file's content; links are followed. `GET /containers/{id}/archive` */
  readonly readFile: (id: string, path: string, options?: ReadFileOptions) => Effect.Effect<Uint8Array, ArchiveError>
  /** The same decoded as UTF-8. */
  readonly readFileString: (id: string, path: string, options?: ReadFileOptions) => Effect.Effect<string, ArchiveError>
  /**
   * Writes a file into a folder that is there, in the place of one of this name, and of a link of this name too.
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
 * Files of containers, in and out.
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
 */
export class Archive extends Context.Tag("@dockwire/core/Archive")<Archive, ArchiveShape>() {
  /** Files in containers of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Archive, never, Docker> = Layer.effect(Archive, make)
}
