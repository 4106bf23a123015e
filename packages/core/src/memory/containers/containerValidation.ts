import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ContainerSettings, ResourceLimits, RestartPolicy } from "../state/containerSettings.js"
import { type EngineState, hostCpus } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { validateLogDriver } from "./logDriver.js"

type Validation = Either.Either<void, ErrorResponse>

const minimumMemory = 6 * 1024 * 1024
const restartPolicies = ["no", "always", "on-failure", "unless-stopped"]

const refuse = (status: number, message: string): Validation => Either.left(errorResponse(status, message))

export const validateLimits = ({ memory, memorySwap, nanoCpus }: ResourceLimits): Validation =>
  memory !== 0 && memory < minimumMemory
    ? refuse(400, "Minimum memory limit allowed is 6MB")
    : memory > 0 && memorySwap > 0 && memorySwap < memory
      ? refuse(400, "Minimum memoryswap limit should be larger than memory limit, see usage")
      : nanoCpus < 0 || nanoCpus > hostCpus * 1e9
        ? refuse(400, `Range of CPUs is from 0.01 to ${hostCpus}.00, as there are only ${hostCpus} CPUs available`)
        : Either.void

export const validateRestartPolicy = ({ maximumRetryCount, name }: RestartPolicy): Validation => {
  if (!restartPolicies.includes(name)) {
    const message = `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`
    return refuse(400, message)
  }
  return maximumRetryCount !== 0 && name !== "on-failure"
    ? refuse(400, "invalid restart policy: maximum retry count can only be used with 'on-failure'")
    : Either.void
}

/** Refuses a name that is malformed or taken. `shown` is how an error spells it. */
export const validateName = (state: EngineState, name: string, shown = name): Validation => {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    return refuse(400, `Invalid container name (${shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
  }
  const holder = [...state.containers.values()].find((container) => container.name === name)
  if (holder === undefined) return Either.void
  const message = `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`
  return refuse(409, message)
}

/** Refuses settings that the engine refuses when a container is created. */
export const validateSettings = (settings: ContainerSettings): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const { autoRemove, limits, restart } = settings
    yield* validateLimits(limits)
    yield* validateRestartPolicy(restart)
    if (autoRemove && restart.name !== "no") {
      return yield* errorResponse(400, "can't create 'AutoRemove' container with restart policy")
    }
    yield* validateLogDriver(settings)
  })
