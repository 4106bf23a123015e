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
import { waitForLines } from "./logLineWait.js"
import { anyAccepts, networkOwner, type PortAddress, portAddresses } from "./portProbe.js"
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
  | {
      readonly log: string | RegExp
      /** How many lines of the run have to match. Default: 1. */
      readonly times?: number
    }
  /**
   * Something accepts connections on this TCP port: on the engine's host if it is published there or the container uses the
   * host's network, or else at the container's own addresses. Where the container uses the network of another container,
   * its addresses count.
   */
  | { readonly port: number }

/**
 * Options of `Containers.waitUntil`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitOptions {
  /**
   * How long to wait, including every request to the engine. Default: 60 seconds. Reading the last lines of the log for the
   * error may take 2 seconds more.
   */
  readonly timeout?: Duration.DurationInput
}

/** Describes a condition for `WaitFailed`. */
const describe = (condition: WaitCondition): string => {
  if (typeof condition === "string") return condition
  if ("port" in condition) return `port ${condition.port}`
  const { log, times = 1 } = condition
  const line = times === 1 ? "log line" : `${times} log lines`
  return typeof log === "string" ? `${line} containing ${JSON.stringify(log)}` : `${line} matching ${String(log)}`
}

const checkCondition = (condition: WaitCondition): Effect.Effect<void, InvalidRequest> => {
  const require = (field: string, value: number | undefined, isValid: (value: number) => boolean, detail: string) =>
    value === undefined || (Number.isInteger(value) && isValid(value))
      ? Effect.void
      : Effect.fail(new InvalidRequest({ field, value: String(value), detail }))
  if (typeof condition === "string") return Effect.void
  return "port" in condition
    ? require("port", condition.port, (port) => port > 0 && port < 65_536, "must be a whole number from 1 to 65535")
    : require("times", condition.times, (times) => times > 0, "must be a whole number, 1 or more")
}

type Judge = (subject: WaitSubject, action: string) => Effect.Effect<Verdict, DockerFailure>

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
          Effect.flatMap((subject) => judge(subject, action)),
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

const unreachable = (port: number): Unmet => ({
  reason: "Impossible",
  detail: `port ${port} is not published where it can be reached from here, and the container has no address of its own`
})

/** Waits until a port accepts connections. There is no event for that, so it is probed. */
const waitForPort = (
  docker: DockerShape,
  containerId: string,
  port: number
): Effect.Effect<Verdict, InvalidRequest | DockerFailure> =>
  Effect.suspend(() => {
    let addresses: ReadonlyArray<PortAddress> = []
    const probe = Effect.suspend(() => anyAccepts(addresses))
    const accepted = Effect.as(
      Effect.repeat(probe, { until: (accepts) => accepts, schedule: probePort }),
      "met" as const
    )
    const judge = (subject: WaitSubject): Effect.Effect<Verdict, DockerFailure> => {
      addresses = []
      if (hasExited(subject)) return Effect.succeed(exited(subject))
      if (subject.State.Status !== "running") return Effect.succeed(startFailed(subject))
      return Effect.map(networkOwner(docker, subject), (owner) => {
        if (owner === undefined) return undefined
        addresses = portAddresses(docker.endpoint, owner, port)
        return addresses.length === 0 ? unreachable(port) : undefined
      })
    }
    return Effect.raceFirst(waitForState(docker, containerId, judge, removed), accepted)
  })

const waitForCondition = (
  docker: DockerShape,
  subject: WaitSubject,
  condition: WaitCondition
): Effect.Effect<Verdict, LogsError> => {
  const state = (judge: (subject: WaitSubject, action: string) => Verdict, whenRemoved: Verdict) =>
    waitForState(docker, subject.Id, (...args) => Effect.succeed(judge(...args)), whenRemoved)
  if (typeof condition === "object") {
    if ("port" in condition) return waitForPort(docker, subject.Id, condition.port)
    // The follow of the log reports a removal as well, and only after the last line.
    return Effect.raceFirst(state(startFailed, undefined), waitForLines(docker, subject, condition))
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

/** How long after its end a wait may read what explains it. */
const diagnosisTimeout = "2 seconds"

/** The error of a wait, with what the container can tell: nothing if it is gone, or if the engine takes too long. */
const waitFailed = (docker: DockerShape, containerId: string, condition: WaitCondition, unmet: Unmet) => {
  const orEmpty = <A, E>(effect: Effect.Effect<ReadonlyArray<A>, E>) =>
    effect.pipe(
      Effect.interruptible,
      Effect.timeoutOption(diagnosisTimeout),
      Effect.map(Option.getOrElse((): ReadonlyArray<A> => [])),
      Effect.orElseSucceed((): ReadonlyArray<A> => [])
    )
  const healthLog = orEmpty(
    Effect.map(inspectForWait(docker, containerId), ({ State }) =>
      (State.Health?.Log ?? []).map(({ End, ExitCode, Output, Start }): HealthCheckRun => ({
        start: Start,
        end: End,
        exitCode: ExitCode,
        output: Output
      }))
    )
  )
  const lastLines = orEmpty(
    Effect.map(Stream.runCollect(readLog(docker, containerId, { tail: 20 })), (batches) =>
      Array.from(batches).flatMap((lines) => lines.map(({ text }) => text))
    )
  )
  return Effect.map(
    Effect.all({ healthLog, lastLines }, { concurrency: 2 }),
    (found) => new WaitFailed({ containerId, condition: describe(condition), ...unmet, ...found })
  )
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
    let containerId: string | undefined
    const verdict = yield* inspectForWait(docker, id).pipe(
      Effect.flatMap((subject) => {
        containerId = subject.Id
        return waitForCondition(docker, subject, condition)
      }),
      Effect.catchTag("LogsUnreadable", ({ detail }) => Effect.succeed<Verdict>({ reason: "Impossible", detail })),
      // Also where the caller can't be interrupted.
      Effect.interruptible,
      Effect.timeoutOption(timeout)
    )
    const outcome = Option.getOrElse(verdict, (): Verdict => {
      const what = containerId === undefined ? "engine did not answer" : "condition was not met"
      return { reason: "TimedOut", detail: `the ${what} within ${Duration.format(timeout)}` }
    })
    if (outcome === "met" || outcome === undefined) return
    if (containerId !== undefined) {
      return yield* Effect.flatMap(waitFailed(docker, containerId, condition, outcome), Effect.fail)
    }
    // An engine that has not answered so far has nothing to explain.
    return yield* new WaitFailed({
      containerId: id,
      condition: describe(condition),
      ...outcome,
      healthLog: [],
      lastLines: []
    })
  })
