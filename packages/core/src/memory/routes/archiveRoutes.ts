import * as Effect from "effect/Effect"
import { packTar } from "../../internal/tar/packTar.js"
import { type Call, type Routes, targetContainer } from "../calls/call.js"
import { jsonResponse, streamResponse } from "../calls/response.js"
import { extractArchive } from "../containers/extractArchive.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { cleanPath, type Found, lookUp, type MemoryNode, pathSegments, resolveLink } from "../state/fileTree.js"
import type { MemoryContainer } from "../state/memoryContainer.js"
import { tarEntries } from "../state/tarEntries.js"
import { rfc3339Nano } from "../time/timestamps.js"

/** The type bits of Go's `fs.FileMode`. */
const goTypeBits = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  pipe: 2 ** 25,
  "character device": 2 ** 26 + 2 ** 21,
  "block device": 2 ** 26
} as const

const goFileMode = ({ kind, mode }: MemoryNode): number =>
  goTypeBits[kind] +
  (mode % 0o1000) +
  ((mode & 0o4000) === 0 ? 0 : 2 ** 23) +
  ((mode & 0o2000) === 0 ? 0 : 2 ** 22) +
  ((mode & 0o1000) === 0 ? 0 : 2 ** 20)

const sizeOf = (node: MemoryNode): number => {
  switch (node.kind) {
    case "file":
      return node.content.length
    case "symlink":
      return Buffer.byteLength(node.target)
    case "directory":
      return 4096
    default:
      return 0
  }
}

/** Makes a path absolute, keeping a final `/` or `/.`, which has a meaning to the engine. */
const absolutePath = (path: string): string => {
  const clean = cleanPath(path)
  const directory = clean === "/" ? "" : clean
  return path === "." || path.endsWith("/.") ? `${directory}/.` : path.endsWith("/") ? `${directory}/` : clean
}

const basename = (path: string): string => (path.endsWith("/.") ? "." : (pathSegments(path).at(-1) ?? "/"))

const fileNotFound = ({ parameter, query }: Call) =>
  errorResponse(404, `Could not find the file ${query.text("path")} in container ${parameter}`)

interface Target {
  readonly container: MemoryContainer
  readonly path: string
}

/** The container and the path of a request. */
const targetPath = (call: Call): Effect.Effect<Target, ErrorResponse> =>
  Effect.gen(function* () {
    const path = call.query.text("path") ?? ""
    // The missing space is the engine's own.
    if (path === "") return yield* errorResponse(400, "bad parameter: pathcannot be empty")
    return { container: yield* targetContainer(call), path }
  })

/** Finds the requested file, and encodes its metadata in the header that clients read it from. */
const statPath = (call: Call) =>
  Effect.gen(function* () {
    const target = yield* targetPath(call)
    const { container } = target
    const path = absolutePath(target.path)
    const found = lookUp(container.files, path, false)
    if (found === "missing") return yield* fileNotFound(call)
    if (typeof found === "string") return yield* errorResponse(500, `lstat ${path}: ${found}`)
    const { node } = found
    const linkTarget = node.kind === "symlink" ? resolveLink(container.files, path) : ""
    if (linkTarget === undefined) return yield* errorResponse(500, `evalSymlinksInScope: too many links in ${path}`)
    const stat = {
      name: basename(path),
      size: sizeOf(node),
      mode: goFileMode(node),
      mtime: rfc3339Nano(node.modified),
      linkTarget
    }
    const header = Buffer.from(JSON.stringify(stat)).toString("base64")
    return { container, node, path, headers: { "x-docker-container-path-stat": header } }
  })

/** The directory to extract an uploaded archive to. */
const extractionTarget = (call: Call) =>
  Effect.gen(function* () {
    const { container, path } = yield* targetPath(call)
    const found: Found | string = lookUp(container.files, cleanPath(path), true)
    if (found === "missing") return yield* fileNotFound(call)
    if (found === "too many levels of symbolic links") return yield* errorResponse(500, "EvalSymlinks: too many links")
    if (typeof found === "string") return yield* errorResponse(500, found)
    if (found.node.kind !== "directory") {
      const [ending = ""] = /\/\.?$/.exec(path) ?? []
      const message =
        ending === "" ? "extraction point is not a directory" : `lstat ${found.path}${ending}: not a directory`
      return yield* errorResponse(500, message)
    }
    const mount = container.mounts.find(({ target }) => `${found.path}/`.startsWith(`${cleanPath(target)}/`))
    if (mount !== undefined && !mount.writable) return yield* errorResponse(500, "mounted volume is marked read-only")
    if (mount === undefined && container.hostConfig["ReadonlyRootfs"] === true)
      return yield* errorResponse(500, "container rootfs is marked read-only")
    return { container, directory: found.path }
  })

/** The routes of `/containers/{id}/archive`. */
export const archiveRoutes: Routes = {
  "HEAD /containers/{id}/archive": (call) =>
    Effect.map(statPath(call), ({ headers }) => ({ ...jsonResponse(200), headers })),
  "GET /containers/{id}/archive": (call) =>
    Effect.gen(function* () {
      const { container, headers, node, path } = yield* statPath(call)
      yield* call.state.emitContainerEvent(container, "archive-path")
      const tar = packTar(tarEntries(basename(path), node))
      return { ...streamResponse("application/x-tar", tar), headers }
    }),
  "PUT /containers/{id}/archive": (call) =>
    Effect.gen(function* () {
      const { container, directory } = yield* extractionTarget(call)
      yield* extractArchive(call.upload, {
        root: container.files,
        directory,
        noOverwriteDirNonDir: call.query.flag("noOverwriteDirNonDir"),
        mounts: container.mounts.map(({ target }) => cleanPath(target)),
        missing: fileNotFound(call),
        now: call.state.clock.now
      })
      yield* call.state.emitContainerEvent(container, "extract-to-dir")
      return jsonResponse(200)
    })
}
