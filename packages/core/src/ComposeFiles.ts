/**
 * Compose files that are downloaded, checked for updates, and updated.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readdir, rm, rmdir, stat, unlink } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import {
  type ComposeFileInvalid,
  ComposeFileUnusable,
  type DownloadFailed,
  type InvalidRequest
} from "./DockerError.js"
import { traced } from "./internal/api/traced.js"
import { type FileCheck, makeComposeCheck } from "./internal/compose/files/composeCheck.js"
import type {
  ComposeFile,
  ComposeFileComparison,
  ComposeFileUpdate
} from "./internal/compose/files/composeFileModels.js"
import type { AllowedAddresses } from "./internal/compose/files/download/connection.js"
import { parseDownloadUrl } from "./internal/compose/files/download/downloadUrl.js"
import { recordPath } from "./internal/compose/files/downloadRecord.js"
import { isMissing, onFile } from "./internal/compose/files/fileError.js"
import { compareFile, installFile } from "./internal/compose/files/installFile.js"
import type { composeFileNames } from "./internal/compose/cli/composeFileNames.js"
import { KeyedLock } from "./internal/compose/keyedLock.js"
import {
  decodeText,
  locateByName,
  locateByPath,
  type LocatedFile,
  readComposeFile
} from "./internal/compose/files/localFile.js"
import { backupPath } from "./internal/compose/files/replaceFile.js"
import { HostMachine } from "./internal/host/hostMachine.js"

export {
  ComposeFile,
  ComposeFileComparison,
  ComposeFileUpdate,
  ComposeFileValidation
} from "./internal/compose/files/composeFileModels.js"

/**
 * A compose file: the name of its project in the folder of the service, or the path of any file.
 *
 * @since 0.1.0
 * @category models
 */
export type ComposeFileTarget = string | { readonly path: string }

/**
 * Options of `ComposeFiles.layer`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeFilesOptions {
  /** The folder of the projects, each in a folder of its own. It is made by the first download. */
  readonly folder: string
  /**
   * Which addresses a URL may lead to. With `public`, a host that has an address outside of the public internet (loopback,
   * link-local, private, shared, multicast, reserved, and what stands for IPv4 in IPv6) is not connected to, whether the URL
   * or a redirect names it. Default `any`.
   */
  readonly addresses?: AllowedAddresses
  /** The name of a new file. Default `compose.yaml`. */
  readonly fileName?: (typeof composeFileNames)[number]
  /** How long a download may take, with everything that belongs to it. Default 30 seconds. */
  readonly timeout?: Duration.DurationInput
  /** Authorities that sign the certificates of servers, as PEM, instead of those that Node trusts. */
  readonly ca?: string
}

/**
 * The service `ComposeFiles`. URLs are http or https; a user name and password in one are sent to that server and to no other.
 * Downloads follow up to five redirects and take files of up to 1 MiB.
 *
 * @since 0.1.0
 * @category services
 */
export interface ComposeFilesShape {
  /** The absolute path of the folder. */
  readonly folder: string
  /**
   * Downloads a compose file to the folder `name`, which is made. Fails with a `ComposeFileUnusable` of reason `Exists` if the
   * project has one, unless `replace` is set, which is then an update. A name has up to 200 letters, digits, `_`, `.` and `-`,
   * and begins with a letter or a digit. What is downloaded is checked as by `update`.
   */
  readonly download: (
    url: string,
    name: string,
    options?: { readonly replace?: boolean }
  ) => Effect.Effect<ComposeFileUpdate, InvalidRequest | DownloadFailed | ComposeFileInvalid | ComposeFileUnusable>
  /**
   * Compares a file with what a URL leads to. A server that sends a strong `ETag`, or a `Last-Modified` of more than a minute
   * ago, need not send an unchanged file again; for that, the last download is remembered in a file beside the compose file.
   */
  readonly check: (
    file: ComposeFileTarget,
    url: string
  ) => Effect.Effect<ComposeFileComparison, InvalidRequest | DownloadFailed | ComposeFileInvalid | ComposeFileUnusable>
  /**
   * Replaces a file by what a URL leads to, if that differs. It must be the YAML of a compose file. If compose is installed,
   * it must accept the settings and their types (`docker compose config --no-interpolate`); whether they fit together, such as a
   * service and its volumes, shows with `up`. No other file is read or fetched for it. The file is replaced at
   * once and keeps its mode; the previous content is kept beside it with the suffix `.bak`. After an error, or an
   * interruption, all is as it was before.
   *
   * @example
   * ```ts
   * import { ComposeFiles } from "@dockwire/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.flatMap(ComposeFiles, (files) => files.update("web", "https://example.com/compose.yaml")).pipe(
   *   Effect.catchTag("ComposeFileUnusable", ({ message }) => Effect.succeed(message))
   * )
   * const live = ComposeFiles.layer({ folder: "projects" })
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly update: (
    file: ComposeFileTarget,
    url: string
  ) => Effect.Effect<ComposeFileUpdate, InvalidRequest | DownloadFailed | ComposeFileInvalid | ComposeFileUnusable>
  /**
   * Reads the text of a file of up to 1 MiB.
   *
   * @example
   * ```ts
   * import { ComposeFiles } from "@dockwire/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.flatMap(ComposeFiles, (files) => files.read("web")).pipe(
   *   Effect.catchTag("ComposeFileUnusable", ({ message }) => Effect.succeed(message))
   * )
   * const live = ComposeFiles.layer({ folder: "projects" })
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly read: (
    file: ComposeFileTarget
  ) => Effect.Effect<string, InvalidRequest | ComposeFileInvalid | ComposeFileUnusable>
  /** Lists the projects that have a compose file, by name. Leaves out links that lead out of the folder. */
  readonly list: () => Effect.Effect<ReadonlyArray<ComposeFile>, ComposeFileUnusable>
  /**
   * Removes the compose file of a project and its `.bak`, and the folder of the project if nothing else is in it. Containers
   * are not touched.
   *
   * @example
   * ```ts
   * import { ComposeFiles } from "@dockwire/core"
   * import { Effect } from "effect"
   *
   * const program = Effect.flatMap(ComposeFiles, (files) => files.remove("web")).pipe(
   *   Effect.catchTag("ComposeFileUnusable", ({ message }) => Effect.succeed(message))
   * )
   * const live = ComposeFiles.layer({ folder: "projects" })
   * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
   * ```
   */
  readonly remove: (name: string) => Effect.Effect<void, InvalidRequest | ComposeFileUnusable>
}

const missing = (path: string): ComposeFileUnusable =>
  new ComposeFileUnusable({ reason: "NotFound", path, detail: "there is no such file" })

const makeFiles = (
  options: ComposeFilesOptions,
  validate: (source: string, text: string) => Effect.Effect<FileCheck, ComposeFileInvalid>
): ComposeFilesShape => {
  const folder = resolve(options.folder)
  const projects = { folder, fileName: options.fileName ?? "compose.yaml" }
  const downloads = {
    addresses: options.addresses ?? "any",
    ca: options.ca,
    timeout: Duration.decode(options.timeout ?? "30 seconds")
  }
  const locks = new KeyedLock()

  const locate = (file: ComposeFileTarget): Effect.Effect<LocatedFile, InvalidRequest | ComposeFileUnusable> =>
    typeof file === "string" ? locateByName(projects, file) : locateByPath(file.path)

  const locateExisting = (file: ComposeFileTarget) =>
    Effect.filterOrFail(
      locate(file),
      ({ exists }) => exists,
      ({ path }) => missing(path)
    )

  /** One change of a folder at a time. */
  const alone = (file: ComposeFileTarget) =>
    locks.withLock(typeof file === "string" ? join(folder, file) : dirname(resolve(file.path)))

  const downloadNew = traced("ComposeFiles.download")(
    (url: string, name: string, { replace = false }: { readonly replace?: boolean } = {}) =>
      Effect.gen(function* () {
        const parsed = yield* parseDownloadUrl(url)
        const located = yield* locateByName(projects, name)
        if (located.exists && !replace) {
          const detail = `the project "${name}" has a compose file`
          return yield* new ComposeFileUnusable({ reason: "Exists", path: located.path, detail })
        }
        return yield* installFile(located, parsed, downloads, validate)
      }).pipe(alone(name))
  )

  const update = traced("ComposeFiles.update")((file: ComposeFileTarget, url: string) =>
    Effect.gen(function* () {
      const parsed = yield* parseDownloadUrl(url)
      return yield* installFile(yield* locateExisting(file), parsed, downloads, validate)
    }).pipe(alone(file))
  )

  const check = traced("ComposeFiles.check")((file: ComposeFileTarget, url: string) =>
    Effect.gen(function* () {
      const parsed = yield* parseDownloadUrl(url)
      return yield* compareFile(yield* locateExisting(file), parsed, downloads)
    })
  )

  const read = traced("ComposeFiles.read")((file: ComposeFileTarget) =>
    Effect.gen(function* () {
      const located = yield* locateExisting(file)
      return yield* decodeText(located.path, yield* readComposeFile(located))
    })
  )

  const list = traced("ComposeFiles.list")(() =>
    Effect.gen(function* () {
      const names = yield* onFile(folder, () =>
        readdir(folder).catch((error: unknown) => {
          if (isMissing(error)) return []
          throw error
        })
      )
      const found = yield* Effect.forEach(
        names.toSorted((left, right) => (left < right ? -1 : 1)),
        (name) => Effect.option(describe(name))
      )
      return found.flatMap((file) => (file._tag === "Some" && file.value !== undefined ? [file.value] : []))
    })
  )

  /** A project of the folder; `undefined` if it has no compose file. */
  const describe = (name: string) =>
    Effect.gen(function* () {
      const { exists, path } = yield* locateByName(projects, name)
      if (!exists) return undefined
      const found = yield* onFile(path, () => stat(path))
      return found.isFile() ? { name, path, size: found.size, modified: found.mtime.toISOString() } : undefined
    })

  const remove = traced("ComposeFiles.remove")((name: string) =>
    Effect.gen(function* () {
      const { path } = yield* locateExisting(name)
      yield* onFile(path, async () => {
        await unlink(path)
        for (const other of [backupPath(path), recordPath(path)]) await rm(other, { force: true })
        // Something else may be in it.
        await rmdir(dirname(path)).catch(() => {})
      }).pipe(Effect.uninterruptible)
    }).pipe(alone(name))
  )

  return { folder, download: downloadNew, check, update, read, list, remove }
}

/**
 * A folder of compose files, one for each project, that come from the web.
 *
 * @example
 * ```ts
 * import { ComposeFiles } from "@dockwire/core"
 * import { Effect } from "effect"
 * import { mkdtemp } from "node:fs/promises"
 * import { createServer } from "node:http"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 *
 * const server = createServer((_, response) => response.end("services: { web: { image: nginx } }\n"))
 * await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
 * const address = server.address()
 * const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/compose.yaml`
 *
 * const program = Effect.gen(function* () {
 *   const files = yield* ComposeFiles
 *   yield* files.download(url, "web")
 *   const { changed } = yield* files.check("web", url)
 *   return { changed, names: (yield* files.list()).map(({ name }) => name) }
 * })
 *
 * const live = ComposeFiles.layer({ folder: await mkdtemp(join(tmpdir(), "projects-")) })
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * server.close()
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class ComposeFiles extends Context.Tag("@dockwire/core/ComposeFiles")<ComposeFiles, ComposeFilesShape>() {
  /**
   * The compose files in a folder. Needs no engine, and no compose: without it, files are checked less thoroughly, as the
   * result of a download or an update says.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer = (options: ComposeFilesOptions): Layer.Layer<ComposeFiles> =>
    Layer.effect(
      ComposeFiles,
      Effect.map(HostMachine, (machine) => makeFiles(options, makeComposeCheck(machine)))
    )
}
