import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import {
  type ContainerNotFound,
  type DockerFailure,
  EngineUnavailable,
  type HealthCheckRun,
  InvalidRequest,
  WaitFailed
} from "../../DockerError.js"
import { probePort } from "../api/schedules.js"
import { readLog } from "../logs/logReader.js"
import type { LogsError } from "../logs/logRequest.js"
import { openEvents } from "./engineEvents.js"
import { waitForLine } from "./logLineWait.js"
import { acceptsConnections, portAddress } from "./portProbe.js"
import {
  exited,
  hasExited,
  inspectForWait,
  judgeHealth,
  removed,
  startFailed,
  type Unmet,
  type Verdict,
  type WaitSubject
} from "./waitVerdict.js"

/**
 * A condition of a container to wait for.
 *
 * @since 0.1.0
 * @category models
 */
export type WaitCondition =
  | "running"
  /** The container's health check passes. */
  | "healthy"
  /** The container has exited or was removed. */
  | "exited"
  /**
   * A line of the container's present run contains the text or matches the RegExp. A RegExp is matched against the first
   * 16 KiB of a line, on the event loop: avoid patterns with catastrophic backtracking, such as `(a+)+b`.
   */
  | { readonly log: string | RegExp }
  /** Something accepts connections on this TCP port: as published on the host, or else at the container's own address. */
  | { readonly port: number }

/**
 * Options of `Containers.waitUntil`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitOptions {
  /** Default: 60 seconds. */
  readonly timeout?: Duration.DurationInput
}

/** Describes a condition for `WaitFailed`. */
const describe = (condition: WaitCondition): string => {
  if (typeof condition === "string") return condition
  if ("port" in condition) return `port ${condition.port}`
  return typeof condition.log === "string"
    ? `log line containing ${JSON.stringify(condition.log)}`
    : `log line matching ${String(condition.log)}`
}

const checkCondition = (condition: WaitCondition): Effect.Effect<void, InvalidRequest> =>
  typeof condition === "object" &&
  "port" in condition &&
  (!Number.isInteger(condition.port) || condition.port < 1 || condition.port > 65_535)
    ? Effect.fail(
        new InvalidRequest({
          field: "port",
          value: String(condition.port),
          detail: "must be a whole number from 1 to 65535"
        })
      )
    : Effect.void

type Judge = (subject: WaitSubject, action: string) => Verdict

/** Judges the container at once and at each of its events, until there is a verdict. */
const waitForState = (
  docker: DockerShape,
  containerId: string,
  judge: Judge,
  whenRemoved: Verdict
): Effect.Effect<Verdict, InvalidRequest | DockerFailure> =>
  Effect.gen(function* () {
    // Subscribed before the first inspect, so that no change falls in between.
    const events = yield* openEvents(docker, { filters: { type: ["container"], container: [containerId] } })
    const actions = Stream.filterMap(events, ({ action }) =>
      action.startsWith("exec_") ? Option.none() : Option.some(action)
    )
    // Covers events that an engine fails to emit.
    const ticks = Stream.as(Stream.tick("5 seconds"), "")
    const verdict = yield* Stream.merge(actions, ticks, { haltStrategy: "left" }).pipe(
      Stream.mapEffect((action) =>
        inspectForWait(docker, containerId).pipe(
          Effect.map((subject) => judge(subject, action)),
          Effect.catchTag("ContainerNotFound", () => Effect.succeed(whenRemoved))
        )
      ),
      Stream.filter((verdict) => verdict !== undefined),
      Stream.runHead
    )
    if (Option.isSome(verdict)) return verdict.value
    const detail = "the engine ended the event stream"
    return yield* new EngineUnavailable({ endpoint: docker.endpoint, reason: "Lost", detail })
  }).pipe(Effect.scoped)

/** Waits until a port accepts connections. There is no event for that, so it is probed. */
const waitForPort = (
  docker: DockerShape,
  first: WaitSubject,
  port: number
): Effect.Effect<Verdict, InvalidRequest | DockerFailure> => {
  let latest = first
  const probe = Effect.suspend(() => {
    const address = latest.State.Status === "running" ? portAddress(docker.endpoint, latest, port) : undefined
    return address === undefined ? Effect.succeed(false) : acceptsConnections(address)
  })
  const accepted = Effect.as(Effect.repeat(probe, { until: (accepts) => accepts, schedule: probePort }), "met" as const)
  const judge = (subject: WaitSubject): Verdict => {
    latest = subject
    if (hasExited(subject)) return exited(subject)
    return subject.State.Status === "running" && portAddress(docker.endpoint, subject, port) === undefined
      ? { reason: "Impossible", detail: `port ${port} is not published, and the container has no address of its own` }
      : startFailed(subject)
  }
  const state = waitForState(docker, first.Id, judge, removed)
  return Effect.raceFirst(state, accepted)
}

const waitForCondition = (
  docker: DockerShape,
  subject: WaitSubject,
  condition: WaitCondition
): Effect.Effect<Verdict, LogsError> => {
  const state = (judge: Judge, whenRemoved: Verdict) => waitForState(docker, subject.Id, judge, whenRemoved)
  if (typeof condition === "object") {
    if ("port" in condition) return waitForPort(docker, subject, condition.port)
    // The follow of the log reports a removal as well, and only after the last line.
    return Effect.raceFirst(state(startFailed, undefined), waitForLine(docker, subject, condition.log))
  }
  switch (condition) {
    case "running":
      return state(
        (subject, action) => (subject.State.Status === "running" || action === "start" ? "met" : startFailed(subject)),
        removed
      )
    case "exited":
      return state((subject) => (hasExited(subject) ? "met" : startFailed(subject)), "met")
    case "healthy":
      return state(judgeHealth, removed)
  }
}

/** The error of a wait, with what the container can tell: nothing if it is gone, or if the engine takes too long. */
const waitFailed = (docker: DockerShape, containerId: string, condition: WaitCondition, unmet: Unmet) => {
  const orEmpty = <A, E>(effect: Effect.Effect<ReadonlyArray<A>, E>) =>
    effect.pipe(
      Effect.timeoutOption("5 seconds"),
      Effect.map(Option.getOrElse((): ReadonlyArray<A> => [])),
      Effect.orElseSucceed((): ReadonlyArray<A> => [])
    )
  return Effect.gen(function* () {
    const healthLog = yield* orEmpty(
      Effect.map(inspectForWait(docker, containerId), ({ State }) =>
        (State.Health?.Log ?? []).map(({ End, ExitCode, Output, Start }): HealthCheckRun => ({
          start: Start,
          end: End,
          exitCode: ExitCode,
          output: Output
        }))
      )
    )
    const lastLines = yield* orEmpty(
      Effect.map(Stream.runCollect(readLog(docker, containerId, { tail: 20 })), (batches) =>
        Array.from(batches).flatMap((lines) => lines.map(({ text }) => text))
      )
    )
    return new WaitFailed({ containerId, condition: describe(condition), ...unmet, healthLog, lastLines })
  })
}

/** Waits until a condition of a container is met. */
export const waitForContainer = (
  docker: DockerShape,
  id: string,
  condition: WaitCondition,
  options: WaitOptions
): Effect.Effect<void, ContainerNotFound | WaitFailed | InvalidRequest | DockerFailure> =>
  Effect.gen(function* () {
    yield* checkCondition(condition)
    const timeout = Duration.decode(options.timeout ?? "60 seconds")
    const subject = yield* inspectForWait(docker, id)
    const verdict = yield* waitForCondition(docker, subject, condition).pipe(
      Effect.catchTag("LogsUnreadable", ({ detail }) => Effect.succeed<Verdict>({ reason: "Impossible", detail })),
      Effect.timeoutOption(timeout),
      Effect.map(
        Option.getOrElse((): Verdict => ({
          reason: "TimedOut",
          detail: `the condition was not met within ${Duration.format(timeout)}`
        }))
      )
    )
    if (verdict === "met" || verdict === undefined) return
    return yield* yield* waitFailed(docker, subject.Id, condition, verdict)
  })
