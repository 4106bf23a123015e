import * as Effect from "effect/Effect"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { packedTar, type TarEntry } from "../../internal/tar/tarPack.js"
import { type Call, targetContainer, type Routes, jsonResponse } from "../calls/response.js"
import { said } from "../containers/startContainer.js"
import type { MemoryContainer } from "../state/engineState.js"
import { cleanPath, type Found, resolveLink, lookUp, type MemoryNode, pathSegments } from "../state/fileTree.js"
import { streamResponse } from "./logRoutes.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { extractTar } from "../containers/extractArchive.js"

const types = {
  file: "file",
  directory: "directory",
  symlink: "symlink",
  pipe: "fifo",
  "character device": "character-device",
  "block device": "block-device"
} as const

// As Go's io/fs has them.
const kindBits = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  pipe: 2 ** 25,
  "character device": 2 ** 26 + 2 ** 21,
  "block device": 2 ** 26
} as const

const goMode = ({ kind, mode }: MemoryNode): number =>
  kindBits[kind] +
  (mode % 0o1000) +
  ((mode & 0o4000) === 0 ? 0 : 2 ** 23) +
  ((mode & 0o2000) === 0 ? 0 : 2 ** 22) +
  ((mode & 0o1000) === 0 ? 0 : 2 ** 20)

const sizeOf = (node: MemoryNode): number =>
  node.kind === "file"
    ? node.content.length
    : node.kind === "symlink"
      ? Buffer.byteLength(node.target)
      : node.kind === "directory"
        ? 4096
        : 0

/** As the engine reads a path: from the root, and with the `/` or `/.` at its end that it had. */
const absolute = (path: string): string => {
  const clean = cleanPath(path)
  const folder = clean === "/" ? "" : clean
  return path === "." || path.endsWith("/.") ? `${folder}/.` : path.endsWith("/") ? `${folder}/` : clean
}

const baseOf = (path: string): string => (path.endsWith("/.") ? "." : (pathSegments(path).at(-1) ?? "/"))

const missing = ({ parameter, query }: Call) =>
  errorResponse(404, `Could not find the file ${query.text("path")} in container ${parameter}`)

/** The container, and the path that is asked for. */
const asked = (
  call: Call
): Effect.Effect<{ readonly container: MemoryContainer; readonly path: string }, ErrorResponse> =>
  Effect.gen(function* () {
    const path = call.query.text("path") ?? ""
    if (path === "") return yield* errorResponse(400, "bad parameter: pathcannot be empty")
    return { container: yield* targetContainer(call), path }
  })

/** What stands at the path, and the header that says so. */
const stat = (call: Call) =>
  Effect.gen(function* () {
    const { container, path: given } = yield* asked(call)
    const path = absolute(given)
    const found = lookUp(container.files, path, false)
    if (found === "missing") return yield* missing(call)
    if (typeof found === "string") return yield* errorResponse(500, `lstat ${path}: ${found}`)
    const { node } = found
    const linkTarget = node.kind === "symlink" ? resolveLink(container.files, path) : ""
    if (linkTarget === undefined) return yield* errorResponse(500, `evalSymlinksInScope: too many links in ${path}`)
    const said = {
      name: baseOf(path),
      size: sizeOf(node),
      mode: goMode(node),
      mtime: nanosTimestamp(node.modified).replace(/\.?0+Z$/, "Z"),
      linkTarget
    }
    const text = Buffer.from(JSON.stringify(said)).toString("base64")
    return { container, found, path, headers: { "x-docker-container-path-stat": text } }
  })

/** `seen` are the names of the files so far: one with another name is a hard link. */
function* entriesOf(path: string, node: MemoryNode, seen = new Map<MemoryNode, string>()): Generator<TarEntry> {
  const { gid, kind, mode, modified, uid } = node
  const name = kind === "directory" && !path.endsWith("/") ? `${path}/` : path
  const header = { name, type: types[kind], mode, uid, gid, mtime: new Date(Number(modified / 1_000_000n)) }
  if (node.kind === "symlink") yield { header: { ...header, linkname: node.target } }
  else if (node.kind === "file") {
    const linkname = seen.get(node)
    seen.set(node, linkname ?? name)
    yield linkname === undefined ? { header, content: node.content } : { header: { ...header, type: "link", linkname } }
  } else yield { header }
  if (node.kind !== "directory") return
  for (const [child, inside] of [...node.children].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    yield* entriesOf(`${name}${child}`, inside, seen)
  }
}

/** The folder in which a tar is to be unpacked. */
const destination = (call: Call) =>
  Effect.gen(function* () {
    const { container, path } = yield* asked(call)
    const found: Found | string = lookUp(container.files, cleanPath(path), true)
    if (found === "missing") return yield* missing(call)
    if (found === "too many levels of symbolic links") return yield* errorResponse(500, "EvalSymlinks: too many links")
    if (typeof found === "string") return yield* errorResponse(500, found)
    if (found.node.kind !== "directory") {
      const [ending = ""] = /\/\.?$/.exec(path) ?? []
      const words = `lstat ${found.path}${ending}: not a directory`
      return yield* errorResponse(500, ending === "" ? "extraction point is not a directory" : words)
    }
    const mount = container.mounts.find(({ target }) => `${found.path}/`.startsWith(`${cleanPath(target)}/`))
    if (mount !== undefined && !mount.writable) return yield* errorResponse(500, "mounted volume is marked read-only")
    if (mount === undefined && container.hostConfig["ReadonlyRootfs"] === true)
      return yield* errorResponse(500, "container rootfs is marked read-only")
    return { container, folder: found.path }
  })

/** What `/containers/{id}/archive` asks for. */
export const archiveRoutes: Routes = {
  "HEAD /containers/{id}/archive": (call) =>
    Effect.map(stat(call), ({ headers }) => ({ ...jsonResponse(200), headers })),
  "GET /containers/{id}/archive": (call) =>
    Effect.gen(function* () {
      const { container, found, headers, path } = yield* stat(call)
      yield* said(call.state, container, "archive-path")
      return { ...streamResponse("application/x-tar", packedTar(entriesOf(baseOf(path), found.node))), headers }
    }),
  "PUT /containers/{id}/archive": (call) =>
    Effect.gen(function* () {
      const { container, folder } = yield* destination(call)
      yield* extractTar(call.upload, {
        root: container.files,
        folder,
        noOverwriteDirNonDir: call.query.flag("noOverwriteDirNonDir"),
        mounts: container.mounts.map(({ target }) => cleanPath(target)),
        missing: missing(call),
        now: call.state.clock.now
      })
      yield* said(call.state, container, "extract-to-dir")
      return jsonResponse(200)
    })
}
