import * as Effect from "effect/Effect"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { type InspectedContainer, inspectProjectContainers } from "./inspectedContainer.js"
import { listProjectContainers } from "./projectContainers.js"

/** A container of a project that failed. */
export interface ServiceFailure {
  readonly service: string
  readonly containerId: string
  /** The container's name. */
  readonly name: string
  /** It could not be started, it ended with another code than 0, or it is unhealthy. */
  readonly reason: "NotStarted" | "Exited" | "Unhealthy"
  /** Absent if it runs. */
  readonly exitCode?: number
  /** The engine's words, where it has some. */
  readonly error: string
}

const order = { NotStarted: 0, Exited: 1, Unhealthy: 2 } as const

/** What failed about a container, if anything did. */
export const serviceFailure = (container: InspectedContainer): ServiceFailure | undefined => {
  const { error, exitCode, health, id, name, service, state } = container
  const base = { service, containerId: id, name, error }
  // A failed start leaves the container created, or as it was before, with a code of the engine's own.
  if (error !== "" && state !== "running") return { ...base, reason: "NotStarted", exitCode }
  if ((state === "exited" || state === "dead" || state === "restarting") && exitCode !== 0) {
    return { ...base, reason: "Exited", exitCode }
  }
  return state === "running" && health === "unhealthy" ? { ...base, reason: "Unhealthy" } : undefined
}

/**
 * The containers of a project that failed: first those that could not be started, then those that ended with another code
 * than 0, then those that are unhealthy; each in the order in which it happened. `since` is a normalized timestamp of the
 * engine's clock: what ended before is left out. `GET /containers/json` and `GET /containers/{id}/json`
 */
export const serviceFailures = (
  docker: DockerShape,
  project: string,
  since = ""
): Effect.Effect<ReadonlyArray<ServiceFailure>, DockerFailure> =>
  Effect.gen(function* () {
    const all = yield* listProjectContainers(docker, project)
    // The list does not tell of a failed start, which leaves a container created, or as it was after its last run.
    const suspects = all.filter(
      ({ container: { health, oneOff, state } }) => !oneOff && (state !== "running" || health === "unhealthy")
    )
    const inspected = yield* inspectProjectContainers(
      docker,
      suspects.map(({ container }) => container.id)
    )
    return inspected
      .toSorted((left, right) => (left.finishedAt < right.finishedAt ? -1 : left.finishedAt > right.finishedAt ? 1 : 0))
      .flatMap((container) => {
        const failure = serviceFailure(container)
        const isOld = failure?.reason === "Exited" && container.finishedAt < since
        return failure === undefined || isOld ? [] : [failure]
      })
      .toSorted((left, right) => order[left.reason] - order[right.reason])
  })
