import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { timestampMillis, toEngineTime } from "../../api/engineTime.js"
import { subscribe } from "../../watch/engineEvents.js"
import { type InspectedContainer, inspectProjectContainers } from "./inspectedContainer.js"
import { type Expectations, expectations, isDone } from "./oneShot.js"
import { type LabelledContainer, listProjectContainers } from "./projectContainers.js"

/**
 * Whether a project is up.
 *
 * @since 0.1.0
 * @category models
 */
export const ComposeStatus = Schema.Struct({
  /** `up` if no service is missing, `down` if none runs, else `partial`. */
  status: Schema.Literal("up", "down", "partial"),
  /** Services of which fewer containers run than there should be. */
  missing: Schema.Array(Schema.String),
  /** Services that have ended with 0, as they should, such as one that migrates a database. */
  done: Schema.Array(Schema.String)
}).annotations({ identifier: "ComposeStatus" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeStatus = typeof ComposeStatus.Type

/** A service that should be up, and of how many containers it should consist. */
export interface ExpectedService {
  readonly service: string
  /** Default: as many as there are, at least 1. With 0, the service is not expected. */
  readonly replicas?: number | undefined
}

const runs = ({ container }: LabelledContainer): boolean =>
  container.state === "running" || container.state === "paused"

/** Judges a project by its containers. `done` are the ids of those that have ended as they should. */
export const judgeStatus = (
  expected: ReadonlyArray<ExpectedService>,
  containers: ReadonlyArray<LabelledContainer>,
  done: ReadonlySet<string>
): ComposeStatus => {
  const states = expected
    .filter(({ replicas }) => replicas !== 0)
    .map(({ replicas, service }) => {
      const own = containers.filter(({ container }) => container.service === service)
      const running = own.filter(runs).length
      const ended = own.filter(({ container }) => done.has(container.id)).length
      const wanted = replicas ?? Math.max(1, own.length)
      return { service, running, missing: running + ended < wanted, done: ended > 0 && running + ended >= wanted }
    })
  const missing = states.filter((state) => state.missing)
  const isRunning = states.some(({ running }) => running > 0)
  return {
    status: !isRunning ? "down" : missing.length === 0 ? "up" : "partial",
    missing: missing.map(({ service }) => service),
    done: states.filter((state) => state.done && state.running === 0).map(({ service }) => service)
  }
}

/** Signals that programs take for something else than an end: HUP, USR1 and USR2. */
const mildSignals = new Set(["1", "10", "12"])

/** How long after the end of a container its events may follow, in milliseconds. */
const eventDelayMillis = 2_000

/** Whether the engine remembers that a container was told to end: it keeps its last 256 events. */
const wasStopped = (docker: DockerShape, { finishedAt, id, startedAt }: InspectedContainer) =>
  Stream.unwrapScoped(
    subscribe(docker, {
      since: toEngineTime(startedAt),
      until: toEngineTime(finishedAt, eventDelayMillis),
      filters: { container: [id], event: ["kill", "die"] }
    })
  ).pipe(
    // A container ends after the signal. What follows is of a later run.
    Stream.takeWhile(({ action, timeNano }) => action !== "die" || timeNano / 1_000_000n < timestampMillis(finishedAt)),
    Stream.runFold(
      false,
      (stopped, { action, attributes }) =>
        action === "kill" && (stopped || !mildSignals.has(attributes["signal"] ?? ""))
    )
  )

/** The ids of the containers that have ended as they should. */
const findDone = (
  docker: DockerShape,
  containers: ReadonlyArray<LabelledContainer>,
  expected: Expectations
): Effect.Effect<ReadonlySet<string>, DockerFailure> =>
  Effect.gen(function* () {
    const ended = containers.filter(({ container: { exitCode, state } }) => state === "exited" && exitCode === 0)
    const [named, others] = [
      ended.filter(({ container }) => expected.toComplete.has(container.service)),
      ended.filter(({ container }) => !expected.toComplete.has(container.service))
    ]
    const inspected = yield* inspectProjectContainers(
      docker,
      others.map(({ container }) => container.id)
    )
    const done = yield* Effect.filter(
      inspected.filter((container) => isDone(container, expected)),
      (container) => Effect.map(wasStopped(docker, container), (stopped) => !stopped),
      { concurrency: 8 }
    )
    return new Set([...named.map(({ container }) => container.id), ...done.map(({ id }) => id)])
  })

/**
 * Whether a project is up. Without expected services, those are expected that have containers.
 *
 * `GET /containers/json`, and `GET /containers/{id}/json` and `GET /events` for containers that ended with 0.
 */
export const projectStatus = (
  docker: DockerShape,
  project: string,
  expected?: ReadonlyArray<ExpectedService>
): Effect.Effect<ComposeStatus, DockerFailure> =>
  Effect.gen(function* () {
    const all = yield* listProjectContainers(docker, project)
    const containers = all.filter(({ container }) => !container.oneOff)
    const done = yield* findDone(docker, containers, expectations(containers.map(({ labels }) => labels)))
    const services = [...new Set(containers.map(({ container }) => container.service))]
    return judgeStatus(expected ?? services.map((service) => ({ service })), containers, done)
  })
