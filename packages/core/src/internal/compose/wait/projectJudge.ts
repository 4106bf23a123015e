import type { ComposeLabels } from "../project/composeLabels.js"
import type { InspectedContainer } from "../project/inspectedContainer.js"
import { type Expectations, expectations, isDone } from "../project/oneShot.js"

/** How far a container has come. */
export interface WaitStep {
  readonly service: string
  readonly containerId: string
  /** The container's name. */
  readonly name: string
  /** `running` once it has run for the settling time without a health check; `exited` with its code. */
  readonly status: "waiting" | "running" | "healthy" | "exited" | "restarting" | "unhealthy"
  readonly exitCode?: number
}

/** Why a project will not be ready. */
export interface Unready {
  readonly reason: "NotStarted" | "Exited" | "Unhealthy" | "Removed"
  readonly service: string
  readonly containerId: string
  readonly exitCode?: number
  readonly detail: string
}

/** Whether a project is ready. */
export type ProjectVerdict =
  | { readonly _tag: "Ready" }
  | ({ readonly _tag: "Unready" } & Unready)
  /** The services that are not ready; and when that may change without any event, in milliseconds since the epoch. */
  | { readonly _tag: "Waiting"; readonly services: ReadonlyArray<string>; readonly until: number | undefined }

/** What a project has to reach. */
export interface JudgeSettings {
  /** How long a container without a health check has to run, in milliseconds. */
  readonly settleMillis: number
  /** How often the engine may restart a container by itself. */
  readonly restarts: number
  /** The services that count, with those that they depend on; all if `undefined`. */
  readonly services: ReadonlySet<string> | undefined
}

interface Watched {
  readonly container: InspectedContainer
  /** When it has run long enough, in milliseconds since the epoch. */
  readonly settledAt: number
  /** How often the engine had restarted it when the wait began. */
  readonly restartsBefore: number
}

/** Services, and all that they depend on, as the labels of their containers tell. */
const withDependencies = (services: ReadonlySet<string>, all: Iterable<Watched>): ReadonlySet<string> => {
  const dependencies = new Map<string, Array<string>>()
  for (const { container } of all) {
    const own = dependencies.get(container.service) ?? []
    for (const { service } of container.labels.dependsOn ?? []) own.push(service)
    dependencies.set(container.service, own)
  }
  const found = new Set(services)
  // A set that grows while it is iterated has the new items too.
  for (const service of found) for (const dependency of dependencies.get(service) ?? []) found.add(dependency)
  return found
}

const isActive = ({ state }: InspectedContainer): boolean =>
  state === "running" || state === "restarting" || state === "paused"

const hasEnded = ({ state }: InspectedContainer): boolean => state === "exited" || state === "dead"

/** How far a container has come. `toComplete`: others wait for its end, whatever its health. */
const statusOf = ({ container, settledAt }: Watched, toComplete: boolean, now: number): WaitStep["status"] => {
  const { health, state } = container
  if (hasEnded(container)) return "exited"
  if (state === "restarting") return "restarting"
  if (state !== "running" || toComplete) return "waiting"
  if (health === "healthy" || health === "unhealthy") return health
  return health === undefined && now >= settledAt ? "running" : "waiting"
}

/**
 * Judges whether the services of a project are ready: healthy, or running for a while without a health check, or done. It
 * knows the containers by what it is told of them, and no clock but the given times.
 */
export class ProjectJudge {
  readonly #before: ReadonlyMap<string, InspectedContainer>
  readonly #watched = new Map<string, Watched>()
  /** The services that have had a container since the wait began. */
  readonly #services = new Map<string, string>()
  readonly #told = new Map<string, WaitStep>()
  /** The codes with which the containers ended last. */
  readonly #exitCodes = new Map<string, number>()

  /** @param before the containers of the project before anything was done to it */
  constructor(
    readonly settings: JudgeSettings,
    before: ReadonlyArray<InspectedContainer>
  ) {
    this.#before = new Map(before.map((container) => [container.id, container]))
  }

  /** Notes the state of a container. */
  observe(container: InspectedContainer, now: number): void {
    const { id, labels, restartCount, runningFor, service, startedAt } = container
    const { settleMillis } = this.settings
    if (labels.oneOff === true) return
    const before = this.#before.get(id)
    // It had ended, and nobody has started it: it is no part of what is waited for.
    if (before !== undefined && !isActive(before) && before.startedAt === startedAt && !isActive(container)) return
    const known = this.#watched.get(id)
    const settledAt =
      known?.container.startedAt === startedAt && isActive(known.container)
        ? known.settledAt
        : now + Math.max(0, settleMillis - runningFor)
    // A start by hand sets the engine's count to 0.
    const restartsBefore = known?.restartsBefore ?? (before !== undefined && isActive(before) ? before.restartCount : 0)
    this.#watched.set(id, { container, settledAt, restartsBefore: Math.min(restartsBefore, restartCount) })
    this.#services.set(service, id)
  }

  /** Notes with which code a container has ended. The engine forgets it when it restarts the container. */
  ended(id: string, exitCode: number): void {
    this.#exitCodes.set(id, exitCode)
  }

  /** Notes that a container is gone. */
  forget(id: string): void {
    this.#watched.delete(id)
  }

  /** Notes the state of all containers that there are. */
  observeAll(containers: ReadonlyArray<InspectedContainer>, now: number): void {
    const present = new Set(containers.map(({ id }) => id))
    for (const id of this.#watched.keys()) if (!present.has(id)) this.forget(id)
    for (const container of containers) this.observe(container, now)
  }

  /** A container of a service. */
  containerOf(service: string): string | undefined {
    return this.#services.get(service)
  }

  get #expected(): Expectations {
    const labels: Array<ComposeLabels> = []
    for (const { container } of this.#watched.values()) labels.push(container.labels)
    return expectations(labels)
  }

  /** Whether a service counts. */
  get #counts(): (service: string) => boolean {
    const { services } = this.settings
    if (services === undefined) return () => true
    const counted = withDependencies(services, this.#watched.values())
    return (service) => counted.has(service)
  }

  /** What has changed since the last call. */
  steps(now: number): ReadonlyArray<WaitStep> {
    const { toComplete } = this.#expected
    const counts = this.#counts
    const steps: Array<WaitStep> = []
    for (const watched of this.#watched.values()) {
      if (!counts(watched.container.service)) continue
      const { exitCode, id, name, service } = watched.container
      const status = statusOf(watched, toComplete.has(service), now)
      const base = { service, containerId: id, name, status }
      const step: WaitStep = status === "exited" ? { ...base, exitCode } : base
      const told = this.#told.get(id)
      if (told?.status === status && told.exitCode === step.exitCode) continue
      this.#told.set(id, step)
      steps.push(step)
    }
    return steps
  }

  verdict(now: number): ProjectVerdict {
    const expected = this.#expected
    const counts = this.#counts
    const all = [...this.#watched.values()].filter(({ container }) => counts(container.service))
    const failures = all
      .flatMap((watched) => this.#failure(watched, expected) ?? [])
      // What ended first is most likely the cause of the rest.
      .toSorted((left, right) => (left.at < right.at ? -1 : 1))
    const [failure] = failures
    if (failure !== undefined) return { _tag: "Unready", ...failure.unready }
    for (const [service, containerId] of this.#services) {
      if (!counts(service) || all.some(({ container }) => container.service === service)) continue
      return { _tag: "Unready", reason: "Removed", service, containerId, detail: "its container was removed" }
    }
    const open = all.filter(
      (watched) =>
        !["running", "healthy", "exited"].includes(
          statusOf(watched, expected.toComplete.has(watched.container.service), now)
        )
    )
    if (open.length === 0) return { _tag: "Ready" }
    const settling = open.flatMap(({ container, settledAt }) =>
      container.state === "running" && container.health === undefined && settledAt > now ? [settledAt] : []
    )
    const services = [...new Set(open.map(({ container }) => container.service))].toSorted()
    return { _tag: "Waiting", services, until: settling.length === 0 ? undefined : Math.min(...settling) }
  }

  #failure(
    { container, restartsBefore }: Watched,
    expected: Expectations
  ): { readonly at: string; readonly unready: Unready } | undefined {
    const { error, exitCode, finishedAt, health, id, restartCount, service } = container
    const unready = (reason: Unready["reason"], detail: string, code?: number) => ({
      at: finishedAt,
      unready: { reason, service, containerId: id, detail, ...(code === undefined ? {} : { exitCode: code }) }
    })
    if (error !== "" && !isActive(container)) return unready("NotStarted", error, exitCode)
    const restarts = restartCount - restartsBefore
    if (restarts > this.settings.restarts) {
      const times = restarts === 1 ? "once" : `${restarts} times`
      const code = container.state === "running" ? this.#exitCodes.get(id) : exitCode
      const end = code === undefined ? "it ended" : `it ended with code ${code}`
      return unready("Exited", `${end} and was restarted ${times}`, code)
    }
    if (hasEnded(container) && exitCode !== 0) return unready("Exited", `it ended with code ${exitCode}`, exitCode)
    if (hasEnded(container) && !isDone(container, expected)) {
      return unready("Exited", "it ended with code 0, but it is a service that should run", exitCode)
    }
    return container.state === "running" && health === "unhealthy" && !expected.toComplete.has(service)
      ? unready("Unhealthy", "its health check fails")
      : undefined
  }
}
