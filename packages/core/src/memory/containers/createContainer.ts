import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { decodeContainerConfig } from "../calls/containerConfig.js"
import { ContainerLog } from "../state/logs/containerLog.js"
import type { ContainerSettings, EndpointSettings } from "../state/containerSettings.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import type { Endpoint, MemoryContainer } from "../state/memoryContainer.js"
import { withImageDefaults } from "../state/images/imageDefaults.js"
import { newId } from "../state/objectId.js"
import { ConditionVariable } from "../time/conditionVariable.js"
import { mountFiles, resolveMounts } from "./containerMounts.js"
import { validateName, validateSettings } from "./containerValidation.js"
import { logLimits } from "./logDriver.js"

const decodeSettings = (state: EngineState, body: unknown): Either.Either<ContainerSettings, ErrorResponse> =>
  Either.map(decodeContainerConfig(body), (settings) =>
    settings.logDriver === "json-file"
      ? { ...settings, logOptions: { ...state.logOptions, ...settings.logOptions } }
      : settings
  )

/** Creates a disconnected endpoint. */
export const newEndpoint = (settings: EndpointSettings): Endpoint => ({ ...settings, id: newId(), address: "" })

const newEndpoints = (state: EngineState, settings: ContainerSettings): Map<string, Endpoint> => {
  if (settings.networkMode.startsWith("container:")) return new Map()
  const configured = Object.entries(settings.endpoints)
  const entries: typeof configured =
    configured.length > 0 ? configured : [[settings.networkMode, { aliases: [], requestedAddress: undefined }]]
  return new Map(
    entries.map(([reference, endpoint]) => {
      const id = Either.match(state.networks.find(reference), { onLeft: () => reference, onRight: ({ id }) => id })
      return [id, newEndpoint(endpoint)]
    })
  )
}

/** The ids of the containers that legacy links lead to, by alias. */
const resolveLinks = (
  state: EngineState,
  { links }: ContainerSettings
): Effect.Effect<ReadonlyMap<string, string>, ErrorResponse> =>
  Effect.map(
    Effect.forEach(links, ({ alias, container }) =>
      Either.mapBoth(state.findContainer(container), {
        onLeft: () => errorResponse(400, `could not get container for ${container}: No such container: ${container}`),
        onRight: ({ id }) => [alias, id] as const
      })
    ),
    (entries) => new Map(entries)
  )

/** Creates a container from the body of a create request. */
export const createContainer = (
  state: EngineState,
  name: string | undefined,
  body: unknown
): Effect.Effect<MemoryContainer, ErrorResponse> =>
  Effect.gen(function* () {
    const requested = yield* decodeSettings(state, body)
    if (Object.keys(requested.config).length === 0) {
      return yield* errorResponse(400, "config cannot be empty in order to create a container")
    }
    const id = newId()
    const finalName = name === undefined || name === "" ? `container_${id.slice(0, 8)}` : name
    yield* validateSettings(requested)
    const image = yield* state.images.find(requested.image)
    const settings = withImageDefaults(requested, image.config)
    yield* validateName(state, finalName)
    if ((settings.command ?? []).length + (settings.entrypoint ?? []).length === 0) {
      return yield* errorResponse(400, "no command specified")
    }
    const mounts = yield* resolveMounts(state, settings)
    const container: MemoryContainer = {
      id,
      name: finalName,
      image,
      created: yield* state.clock.now,
      settings,
      mounts,
      files: yield* mountFiles(state, image, mounts),
      // Invalid limits are reported when the container starts.
      log: new ContainerLog(Either.getOrUndefined(logLimits(settings))),
      changed: new ConditionVariable(),
      endpoints: newEndpoints(state, settings),
      links: yield* resolveLinks(state, settings),
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
      pendingAttachments: new Set(),
      exitCount: 0,
      restartCount: 0,
      restartDelay: 50,
      pendingRestart: undefined,
      manuallyStopped: false,
      stopping: false,
      removed: false
    }
    state.containers.set(id, container)
    yield* state.emitContainerEvent(container, "create")
    return container
  })
