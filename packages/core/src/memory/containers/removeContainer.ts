import * as Effect from "effect/Effect"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"
import { volumeMounts } from "./containerMounts.js"
import { cancelRestart, killContainer } from "./stopContainer.js"

/** Whether to remove a running container, and whether to remove its anonymous volumes. */
export interface RemoveOptions {
  readonly force: boolean
  readonly volumes: boolean
}

/** Removes a container. A running one is only removed with `force`, which kills it. */
export const removeContainer = (
  state: EngineState,
  container: MemoryContainer,
  { force, volumes }: RemoveOptions
): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const refuse = (state: string, advice: string) =>
      errorResponse(409, `cannot remove container "/${container.name}": container is ${state}${advice}`)
    if (!force && container.status === "paused") return yield* refuse("paused", " and must be unpaused first")
    if (!force && (isRunning(container) || container.status === "restarting")) {
      return yield* refuse(container.status, ": stop the container before removing or force remove")
    }
    yield* cancelRestart(container)
    yield* killContainer(state, container)
    if (!container.removed) yield* destroyContainer(state, container, { volumes })
  })

/** Deletes a stopped container and everything that belongs to it. */
export const destroyContainer = (
  state: EngineState,
  container: MemoryContainer,
  { volumes }: Pick<RemoveOptions, "volumes">
): Effect.Effect<void> =>
  Effect.gen(function* () {
    container.status = "removing"
    container.removed = true
    state.containers.delete(container.id)
    for (const [id, exec] of state.execs) if (exec.container === container) state.execs.delete(id)
    yield* state.emitContainerEvent(container, "destroy")
    if (volumes) {
      for (const { anonymous, name = "" } of volumeMounts(container)) {
        const volume = state.volumes.get(name)
        if (volume === undefined || !anonymous || state.volumeUsers(name).length > 0) continue
        yield* state.volumes.remove(volume)
      }
    }
    container.log.changed.notifyAll()
    container.changed.notifyAll()
  })
