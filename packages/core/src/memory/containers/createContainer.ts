import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { ConditionVariable } from "../time/conditionVariable.js"
import { found } from "../calls/response.js"
import { ContainerLog } from "../state/containerLog.js"
import { said } from "./startContainer.js"
import { type ContainerSettings, containerSettings } from "../calls/containerConfig.js"
import { type EngineState, type MemoryContainer, type MemoryImage, type Mount, newId } from "../state/engineState.js"
import { cloneDirectory, ensureDirectory, type MemoryDirectory, pathSegments } from "../state/fileTree.js"
import { logLimits } from "./logDriver.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { createVolume } from "../routes/volumeRoutes.js"

const smallestMemory = 6 * 1024 * 1024
const drivers = ["awslogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "none", "splunk", "syslog"]
const sharedLogOptions = ["max-size", "max-file", "compress"]
const logOptions: Record<string, ReadonlyArray<string>> = {
  "json-file": [...sharedLogOptions, "labels", "labels-regex", "env", "env-regex", "tag"],
  local: sharedLogOptions
}

/** Refuses a limit that the engine refuses. */
export const checkMemory = (memory: number): Effect.Effect<void, ErrorResponse> =>
  memory !== 0 && memory < smallestMemory
    ? Effect.fail(errorResponse(400, "Minimum memory limit allowed is 6MB"))
    : Effect.void

/** Refuses a policy that the engine refuses. */
export const checkRestart = ({
  maximumRetryCount,
  name
}: MemoryContainer["restart"]): Effect.Effect<void, ErrorResponse> =>
  !["no", "always", "on-failure", "unless-stopped"].includes(name)
    ? Effect.fail(
        errorResponse(
          400,
          `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`
        )
      )
    : maximumRetryCount !== 0 && name !== "on-failure"
      ? Effect.fail(
          errorResponse(400, "invalid restart policy: maximum retry count can only be used with 'on-failure'")
        )
      : Effect.void

/** Refuses a name that is none or is taken. */
export const checkName = (state: EngineState, name: string, shown = name): Effect.Effect<void, ErrorResponse> => {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    return errorResponse(400, `Invalid container name (${shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
  }
  const holder = [...state.containers.values()].find((container) => container.name === name)
  return holder === undefined
    ? Effect.void
    : errorResponse(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`
      )
}

const check = (settings: ContainerSettings): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const { autoRemove, logDriver, memory, restart } = settings
    yield* checkMemory(memory)
    yield* checkRestart(restart)
    if (autoRemove && restart.name !== "no") {
      return yield* errorResponse(400, "can't create 'AutoRemove' container with restart policy")
    }
    if (!drivers.includes(logDriver)) {
      return yield* errorResponse(400, `error looking up logging plugin ${logDriver}: plugin "${logDriver}" not found`)
    }
    const known = logOptions[logDriver]
    const unknown =
      known === undefined ? undefined : Object.keys(settings.logOptions).find((key) => !known.includes(key))
    if (unknown !== undefined) {
      return yield* errorResponse(400, `unknown log opt '${unknown}' for ${logDriver} log driver`)
    }
  })

const mountsOf = (
  state: EngineState,
  settings: ContainerSettings
): Effect.Effect<ReadonlyArray<Mount>, ErrorResponse> =>
  Effect.gen(function* () {
    const mounts: Array<Mount> = []
    const volume = (name: string, target: string, writable: boolean) =>
      Effect.gen(function* () {
        const { name: full } = yield* createVolume(state, name === "" ? {} : { Name: name })
        const source = `/var/lib/docker/volumes/${full}/_data`
        mounts.push({ type: "volume", name: full, source, target, writable, anonymous: name === "" })
      })
    for (const bind of settings.binds) {
      const [source = "", target = "", mode = ""] = bind.split(":")
      if (source === "" || target === "" || bind.split(":").length > 3) {
        return yield* errorResponse(400, `invalid volume specification: '${bind}'`)
      }
      const writable = !mode.split(",").includes("ro")
      if (source.startsWith("/")) mounts.push({ type: "bind", source, target, writable, anonymous: false })
      else yield* volume(source, target, writable)
    }
    for (const { readOnly, source, target, type } of settings.mounts) {
      if (target === "")
        return yield* errorResponse(400, `invalid mount config for type "${type}": field Target must not be empty`)
      if (type === "volume") yield* volume(source, target, !readOnly)
      else if (type === "bind") mounts.push({ type, source, target, writable: !readOnly, anonymous: false })
      else if (type === "tmpfs") mounts.push({ type, source: "", target, writable: !readOnly, anonymous: false })
      else return yield* errorResponse(400, `invalid mount config for type "${type}": mount type unknown: "${type}"`)
    }
    for (const target of settings.volumes) {
      if (mounts.every((mount) => mount.target !== target)) yield* volume("", target, true)
    }
    return mounts
  })

/** The container's root: that of its image, with what is mounted there. */
const filesOf = (
  state: EngineState,
  image: MemoryImage,
  mounts: ReadonlyArray<Mount>
): Effect.Effect<MemoryDirectory, ErrorResponse> =>
  Effect.gen(function* () {
    const root = cloneDirectory(image.files)
    for (const { name = "", source, target, type } of mounts) {
      // It is there only while the container runs.
      if (type === "tmpfs") continue
      const now = yield* state.clock.now
      const mounted = type === "volume" ? state.volumes.get(name)?.files : state.hostFolder(source, now)
      const parts = pathSegments(target)
      const last = parts.at(-1)
      const above = ensureDirectory(root, parts.slice(0, -1).join("/"), now)
      const there = last === undefined ? undefined : above?.children.get(last)
      if (mounted === undefined || last === undefined || above === undefined) {
        return yield* errorResponse(400, `invalid mount path: '${target}' mount path must be a folder below the root`)
      }
      // What the image has at its place comes into a volume that is new.
      if (type === "volume" && there?.kind === "directory" && mounted.children.size === 0) {
        for (const [key, node] of cloneDirectory(there).children) mounted.children.set(key, node)
      }
      above.children.set(last, mounted)
    }
    return root
  })

/** Makes a container from the body of a create request. */
export const createContainer = (
  state: EngineState,
  name: string | undefined,
  body: unknown
): Effect.Effect<MemoryContainer, ErrorResponse> =>
  Effect.gen(function* () {
    const asked = yield* containerSettings(body)
    const settings: ContainerSettings =
      asked.logDriver === "json-file" ? { ...asked, logOptions: { ...state.logOptions, ...asked.logOptions } } : asked
    if (Object.keys(settings.config).length === 0) {
      return yield* errorResponse(400, "config cannot be empty in order to create a container")
    }
    const id = newId()
    const given = name === undefined || name === "" ? `container_${id.slice(0, 8)}` : name
    yield* check(settings)
    const image = yield* found(state.image(settings.image))
    yield* checkName(state, given)
    if ((settings.command ?? settings.entrypoint ?? image.command).length === 0) {
      return yield* errorResponse(400, "no command specified")
    }
    const mounts = yield* mountsOf(state, settings)
    const endpoints: MemoryContainer["endpoints"] = new Map()
    const mode = state.network(settings.networkMode)
    const first = "id" in mode ? mode.id : settings.networkMode
    if (!settings.networkMode.startsWith("container:")) {
      const configured = Object.entries(settings.endpoints)
      for (const [key, config] of configured.length === 0 ? [[first, null] as const] : configured) {
        const network = state.network(key)
        endpoints.set("id" in network ? network.id : key, {
          id: newId(),
          aliases: config?.Aliases ?? [],
          requestedAddress: config?.IPAMConfig?.IPv4Address,
          address: ""
        })
      }
    }
    const container: MemoryContainer = {
      id,
      name: given,
      image,
      created: yield* state.clock.now,
      settings,
      mounts,
      files: yield* filesOf(state, image, mounts),
      // A driver that can't be started has no log.
      log: new ContainerLog(Either.getOrUndefined(logLimits(settings))),
      changed: new ConditionVariable(),
      endpoints,
      hostConfig: settings.hostConfig,
      restart: settings.restart,
      ports: [],
      status: "created",
      exitCode: 0,
      error: "",
      startedAt: undefined,
      finishedAt: undefined,
      health: undefined,
      run: undefined,
      attaching: new Set(),
      exitCount: 0,
      restartCount: 0,
      backoff: 50,
      restarting: undefined,
      stopped: false,
      stopping: false,
      removed: false
    }
    state.containers.set(id, container)
    yield* said(state, container, "create")
    return container
  })
