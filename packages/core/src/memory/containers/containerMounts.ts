import * as Effect from "effect/Effect"
import type { ContainerSettings } from "../state/containerSettings.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { cloneDirectory, ensureDirectory, type MemoryDirectory, pathSegments } from "../state/fileTree.js"
import type { MemoryImage } from "../state/images/imageStore.js"
import type { MemoryContainer, Mount } from "../state/memoryContainer.js"
import { mountpoint } from "../state/volumeStore.js"

/** The mounts of a new container. Creates the volumes that do not exist. */
export const resolveMounts = (
  state: EngineState,
  settings: ContainerSettings
): Effect.Effect<ReadonlyArray<Mount>, ErrorResponse> =>
  Effect.gen(function* () {
    const mounts: Array<Mount> = []
    const mountVolume = (volume: string, target: string, writable: boolean) =>
      Effect.map(state.volumes.create({ name: volume }), ({ name }) => {
        const anonymous = volume === ""
        mounts.push({ type: "volume", name, source: mountpoint(name), target, writable, anonymous })
      })
    for (const bind of settings.binds) {
      const [source = "", target = "", mode = ""] = bind.split(":")
      if (source === "" || target === "" || bind.split(":").length > 3) {
        return yield* errorResponse(400, `invalid volume specification: '${bind}'`)
      }
      const writable = !mode.split(",").includes("ro")
      if (source.startsWith("/")) mounts.push({ type: "bind", source, target, writable, anonymous: false })
      else yield* mountVolume(source, target, writable)
    }
    for (const { readOnly, source, target, type } of settings.mounts) {
      if (target === "")
        return yield* errorResponse(400, `invalid mount config for type "${type}": field Target must not be empty`)
      if (type === "volume") yield* mountVolume(source, target, !readOnly)
      else if (type === "bind") mounts.push({ type, source, target, writable: !readOnly, anonymous: false })
      else if (type === "tmpfs") mounts.push({ type, source: "", target, writable: !readOnly, anonymous: false })
      else return yield* errorResponse(400, `invalid mount config for type "${type}": mount type unknown: "${type}"`)
    }
    for (const target of settings.volumes) {
      if (mounts.every((mount) => mount.target !== target)) yield* mountVolume("", target, true)
    }
    return mounts
  })

/** The root directory of a new container: its image's files with volumes and host directories mounted in it. */
export const mountFiles = (
  state: EngineState,
  image: MemoryImage,
  mounts: ReadonlyArray<Mount>
): Effect.Effect<MemoryDirectory, ErrorResponse> =>
  Effect.gen(function* () {
    const root = cloneDirectory(image.files)
    for (const { name = "", source, target, type } of mounts) {
      // A tmpfs only exists while the container runs.
      if (type === "tmpfs") continue
      const now = yield* state.clock.now
      const mounted = type === "volume" ? state.volumes.get(name)?.files : state.hostDirectory(source, now)
      const segments = pathSegments(target)
      const last = segments.at(-1)
      const parent = ensureDirectory(root, segments.slice(0, -1).join("/"), now)
      const existing = last === undefined ? undefined : parent?.children.get(last)
      if (mounted === undefined || last === undefined || parent === undefined) {
        return yield* errorResponse(
          400,
          `invalid mount path: '${target}' mount path must be a directory below the root`
        )
      }
      // An empty volume is initialized with the image's files at its mount point.
      if (type === "volume" && existing?.kind === "directory" && mounted.children.size === 0) {
        for (const [key, node] of cloneDirectory(existing).children) mounted.children.set(key, node)
      }
      parent.children.set(last, mounted)
    }
    return root
  })

/** The container's mounts that are volumes. */
export const volumeMounts = ({ mounts }: MemoryContainer): ReadonlyArray<Mount> =>
  mounts.filter(({ type }) => type === "volume")
