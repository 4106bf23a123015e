import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"
import { readLog } from "../../logs/logReader.js"
import { watchEngine } from "../../watch/engineWatch.js"
import type { WatchElement } from "../../watch/watchElement.js"
import { projectLabel } from "../project/composeLabels.js"
import { inspectProjectContainer, inspectProjectContainers } from "../project/inspectedContainer.js"
import { listProjectContainers } from "../project/projectContainers.js"
import { ProjectJudge, type Unready, type WaitStep } from "./projectJudge.js"

/** What to wait for, and for how long. */
export interface ProjectWaitOptions {
  /** How long to wait in all. Default: 5 minutes. */
  readonly timeout?: Duration.DurationInput | undefined
  /** How long a container without a health check has to run. Default: 2 seconds. */
  readonly settle?: Duration.DurationInput | undefined
  /** How often the engine may restart a container by itself. Default: 0. */
  readonly restarts?: number | undefined
  /** The services to wait for, with those that they depend on. Default: all. */
  readonly services?: ReadonlyArray<string> | undefined
}

/** A project that is not ready and will not be, or not in time, with the last log lines of the service. */
export interface ProjectNotReady extends Omit<Unready, "reason" | "containerId"> {
  readonly _tag: "ProjectNotReady"
  readonly reason: Unready["reason"] | "TimedOut"
  readonly lastLines: ReadonlyArray<string>
}

/** How long a wait goes on while the engine can't be reached, in milliseconds. */
const outageMillis = 5_000

/** How many log lines explain a failure, and how long reading them may take. */
const [explainingLines, explainingTime] = [20, "2 seconds"] as const

/** What happens to a container in a command of its health check and the like says nothing of its state. */
const isNews = (action: string): boolean =>
  !/^(exec_|top$|attach|detach|resize|archive|extract|export|copy)/.test(action)

/** One wait: what has been heard of the project, and what is made of it. */
class ProjectWait {
  /** The containers that have changed since they were last looked at. */
  readonly #changed = new Set<string>()
  /** Whether all containers are to be looked at: at the beginning, and after an outage. */
  #isUnknown = false
  #outage: { readonly error: DockerFailure; readonly since: number } | undefined

  constructor(
    readonly docker: DockerShape,
    readonly project: string,
    readonly judge: ProjectJudge,
    readonly timeout: Duration.Duration,
    /** Offered to when something has changed. */
    readonly news: Queue.Queue<void>
  ) {}

  /** Notes what happens on the engine. */
  hear(element: WatchElement): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      if (element._tag === "Disconnected") this.#lost(element.error, now)
      else if (element._tag === "Resynced") {
        this.#outage = undefined
        this.#isUnknown = true
      } else if (element._tag !== "ContainerEvent" || element.event.attributes[projectLabel] !== this.project) return
      else if (isNews(element.action)) {
        const exitCode = element.event.attributes["exitCode"]
        if (element.action === "die" && exitCode !== undefined) {
          this.judge.ended(element.containerId, Number(exitCode))
        }
        this.#changed.add(element.containerId)
      } else return
      Queue.unsafeOffer(this.news, undefined)
    })
  }

  #lost(error: DockerFailure, now: number): void {
    this.#outage = { error, since: this.#outage?.since ?? now }
  }

  /** Looks at what has changed. An engine that can't be reached is looked at when it is back. */
  get #look(): Effect.Effect<void, DockerFailure> {
    return Effect.gen(this, function* () {
      if (this.#isUnknown) {
        const list = yield* listProjectContainers(this.docker, this.project)
        const ids = list.map(({ container }) => container.id)
        const containers = yield* inspectProjectContainers(this.docker, ids)
        this.#isUnknown = false
        this.#changed.clear()
        this.judge.observeAll(containers, yield* Clock.currentTimeMillis)
        return
      }
      for (const id of this.#changed) {
        this.#changed.delete(id)
        const container = yield* inspectProjectContainer(this.docker, id)
        if (container === undefined) this.judge.forget(id)
        else this.judge.observe(container, yield* Clock.currentTimeMillis)
      }
    }).pipe(
      Effect.catchTag("EngineUnavailable", (error) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          // The watch reports that the engine is back, unless only this request was lost.
          this.#isUnknown = true
          this.#lost(error, now)
        })
      )
    )
  }

  /** Waits until the project is ready. */
  run(
    tell: (steps: ReadonlyArray<WaitStep>) => Effect.Effect<unknown>
  ): Effect.Effect<void, ProjectNotReady | DockerFailure> {
    return Effect.gen(this, function* () {
      this.#isUnknown = true
      const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(this.timeout)
      const step = Effect.gen(this, function* () {
        yield* this.#look
        const now = yield* Clock.currentTimeMillis
        if (this.#outage !== undefined) {
          if (now >= this.#outage.since + outageMillis) return yield* Effect.fail(this.#outage.error)
          yield* this.#sleep(this.#outage.since + outageMillis - now)
          return false
        }
        yield* tell(this.judge.steps(now))
        const verdict = this.judge.verdict(now)
        if (verdict._tag === "Ready") return true
        if (verdict._tag === "Unready") return yield* this.#fail(verdict)
        if (now >= deadline) return yield* this.#fail(this.#timedOut(verdict.services))
        yield* this.#sleep(Math.min(deadline, verdict.until ?? deadline) - now)
        return false
      })
      yield* Effect.repeat(step, { until: (isReady) => isReady })
    })
  }

  /** Sleeps until there is news, or so long. */
  #sleep(millis: number): Effect.Effect<unknown> {
    return Effect.timeoutOption(Queue.take(this.news), millis)
  }

  #timedOut(
    services: ReadonlyArray<string>
  ): Omit<ProjectNotReady, "_tag" | "lastLines"> & { readonly containerId: string } {
    const [service = ""] = services
    const detail = `not ready within ${Duration.format(this.timeout)}: ${services.join(", ")}`
    return { reason: "TimedOut", service, containerId: this.judge.containerOf(service) ?? "", detail }
  }

  #fail({
    containerId,
    detail,
    exitCode,
    reason,
    service
  }: Omit<ProjectNotReady, "_tag" | "lastLines"> & { readonly containerId: string }): Effect.Effect<
    never,
    ProjectNotReady
  > {
    return Effect.flatMap(lastLines(this.docker, containerId), (lastLines) =>
      Effect.fail({
        _tag: "ProjectNotReady" as const,
        reason,
        service,
        detail,
        lastLines,
        ...(exitCode === undefined ? {} : { exitCode })
      })
    )
  }
}

/** The last lines of a container's log: none if it is gone, or if the engine takes too long. */
const lastLines = (docker: DockerShape, containerId: string): Effect.Effect<ReadonlyArray<string>> =>
  Stream.runCollect(readLog(docker, containerId, { tail: explainingLines })).pipe(
    Effect.map((batches) => Array.from(batches).flatMap((lines) => lines.map(({ text }) => text))),
    Effect.interruptible,
    Effect.timeoutOption(explainingTime),
    Effect.map(Option.getOrElse((): ReadonlyArray<string> => [])),
    Effect.orElseSucceed((): ReadonlyArray<string> => [])
  )

/**
 * Begins to wait for a project: before anything is done to it, so that what was there before is known. The stream that this
 * gives is to be run when the project has been brought up. It emits how far the containers have come, and ends when all
 * services are ready.
 */
export const openProjectWait = (
  docker: DockerShape,
  project: string,
  options: ProjectWaitOptions = {}
): Effect.Effect<Stream.Stream<WaitStep, ProjectNotReady | DockerFailure>, DockerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const news = yield* Queue.sliding<void>(1)
    const isWatching = yield* Deferred.make<void>()
    const list = yield* listProjectContainers(docker, project)
    const before = yield* inspectProjectContainers(
      docker,
      list.map(({ container }) => container.id)
    )
    const judge = new ProjectJudge(
      {
        settleMillis: Duration.toMillis(options.settle ?? "2 seconds"),
        restarts: options.restarts ?? 0,
        services: options.services === undefined ? undefined : new Set(options.services)
      },
      before
    )
    const wait = new ProjectWait(docker, project, judge, Duration.decode(options.timeout ?? "5 minutes"), news)
    const watching = watchEngine(docker, { types: ["container"], snapshot: true })
    yield* Effect.forkScoped(
      Stream.runForEach(watching, (element) =>
        Effect.zipRight(wait.hear(element), Deferred.succeed(isWatching, undefined))
      ).pipe(Effect.ensuring(Deferred.succeed(isWatching, undefined)))
    )
    // With which code a container ends is told once, maybe as soon as something is done to the project.
    yield* Deferred.await(isWatching)
    return Stream.unwrapScoped(
      Effect.gen(function* () {
        const steps = yield* Mailbox.make<ReadonlyArray<WaitStep>, ProjectNotReady | DockerFailure>(4)
        yield* wait
          .run((found) => (found.length === 0 ? Effect.void : steps.offer(found)))
          .pipe(Mailbox.into(steps), Effect.forkScoped)
        return Stream.mapConcat(Mailbox.toStream(steps), (found) => found)
      })
    )
  })
