import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { DockerFailure, InvalidRequest } from "../../../DockerError.js"
import type { LogLine, LogMark, LogStream } from "../../../LogEvent.js"
import { LogPosition } from "../../../LogPosition.js"
import { type LogTime, millisTimestamp, parseEngineTime } from "../../api/engineTime.js"
import { checkLogOptions, readLog } from "../../logs/logReader.js"
import type { LogsError } from "../../logs/logRequest.js"
import { watchEngine } from "../../watch/engineWatch.js"
import { followLog } from "../../watch/follow/logFollower.js"
import type { FollowElement } from "../../watch/follow/followOutput.js"
import type { WatchElement } from "../../watch/watchElement.js"
import { composeLabels } from "../project/composeLabels.js"
import { type LabelledContainer, listProjectContainers } from "../project/projectContainers.js"
import { endOfTime, type MergeSource, TimeMerger } from "./timeMerger.js"

/**
 * A line of a project's logs, or a mark between them, with the container that it is of.
 *
 * @since 0.1.0
 * @category models
 */
export type ComposeLogElement = (LogLine | LogMark) & {
  readonly service: string
  /** The container's name. */
  readonly container: string
  /** In a follow, the position in the container's log directly after it. */
  readonly position?: LogPosition
}

/**
 * Which lines of a project to read.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeLogOptions {
  /** Default: all. */
  readonly services?: ReadonlyArray<string>
  /** Goes on with new lines, without end. Default: false. */
  readonly follow?: boolean
  /** Begins with the last `tail` lines of each container; 0 for new lines only. Default: all lines. */
  readonly tail?: number
  /** Begins at this time, with nanosecond precision. */
  readonly since?: LogTime
  /** Default: both. */
  readonly streams?: ReadonlyArray<LogStream>
  /**
   * Only with `follow`: begins after these positions of an earlier follow, in the containers that they belong to. `tail` and
   * `since` hold for the others.
   */
  readonly positions?: ReadonlyArray<LogPosition | string>
}

/** How long lines of different containers wait for each other, in milliseconds. */
const windowMillis = 100

/** How long the lines that exist already are waited for, in milliseconds. */
const historyMillis = 2_000

/** How many arrays of lines of a container wait to be merged, and how many lines are handed over together. */
const [mostBatches, mostLines] = [4, 2_048] as const

type Element = ComposeLogElement

interface Joined {
  readonly service: string
  name: string
  readonly source: MergeSource<Element>
  readonly hasRoom: Effect.Latch
}

const belongs = ({ services }: ComposeLogOptions, service: string, oneOff: boolean | undefined): boolean =>
  oneOff !== true && (services === undefined || services.includes(service))

/** An element with the container that it is of. To copy every property of a line, whatever it is, would take the most time. */
const ownElement = (element: LogLine | LogMark | FollowElement, service: string, container: string): Element => {
  if (element._tag !== "LogLine" || element.part !== undefined) return { ...element, service, container }
  const { containerId, stream, text, timestamp } = element
  return "position" in element
    ? { _tag: "LogLine", containerId, stream, timestamp, text, service, container, position: element.position }
    : { _tag: "LogLine", containerId, stream, timestamp, text, service, container }
}

/** The logs of a project's containers, merged. */
class ProjectLogs {
  readonly #merger: TimeMerger<Element>
  readonly #joined = new Map<string, Joined>()

  constructor(
    readonly docker: DockerShape,
    readonly project: string,
    readonly options: ComposeLogOptions,
    readonly positions: ReadonlyMap<string, LogPosition>,
    readonly scope: Scope.Scope,
    /** Offered to when there is something to merge. */
    readonly news: Queue.Queue<void>,
    readonly output: Mailbox.Mailbox<ReadonlyArray<Element>, LogsError>
  ) {
    this.#merger = new TimeMerger({ windowMillis, historyMillis: options.follow === true ? historyMillis : undefined })
  }

  /** The containers of the project that take part, but for those that do so already. */
  get #newcomers(): Effect.Effect<ReadonlyArray<LabelledContainer>, DockerFailure> {
    return Effect.map(listProjectContainers(this.docker, this.project), (all) =>
      all.filter(({ container: { id, name, oneOff, service } }) => {
        const known = this.#joined.get(id)
        if (known !== undefined) known.name = name
        return known === undefined && belongs(this.options, service, oneOff)
      })
    )
  }

  /** Begins with the containers that there are. */
  get begin(): Effect.Effect<void, DockerFailure> {
    return Effect.gen(this, function* () {
      const containers = (yield* this.#newcomers).filter(({ container }) => container.state !== "created")
      const ends = yield* Effect.forEach(containers, ({ container }) => this.#historyEnd(container.id), {
        concurrency: 8
      })
      for (const [index, { container }] of containers.entries()) {
        yield* this.#join(container.id, container.service, container.name, ends[index], true)
      }
    })
  }

  /** Takes in the containers that have come since. All their lines are new. */
  get #takeIn(): Effect.Effect<void> {
    return Effect.flatMap(this.#newcomers, (containers) =>
      Effect.forEach(
        containers.filter(({ container }) => container.state !== "created"),
        ({ container: { id, name, service } }) => this.#join(id, service, name, undefined, false),
        { discard: true }
      )
    ).pipe(Effect.ignore)
  }

  /** The timestamp of the last line that a container has now. */
  #historyEnd(id: string): Effect.Effect<string | undefined> {
    const { follow, streams, tail } = this.options
    // What is not followed is waited for until it ends.
    if (follow !== true) return Effect.succeed(endOfTime)
    if (tail === 0) return Effect.succeed(undefined)
    return readLog(this.docker, id, { tail: 1, ...(streams === undefined ? {} : { streams }) }).pipe(
      Stream.runFold("", (last, lines) => lines.at(-1)?.timestamp ?? last),
      Effect.timeoutOption(historyMillis),
      Effect.map((last) => {
        const end = Option.getOrElse(last, () => "")
        const seen = this.positions.get(id)?.state.window.timestamps.at(-1) ?? ""
        return end === "" || seen >= end ? undefined : end
      }),
      Effect.orElseSucceed(() => undefined)
    )
  }

  #read(id: string, isFirst: boolean): Stream.Stream<ReadonlyArray<LogLine | FollowElement>, LogsError> {
    const { follow, since, streams, tail } = this.options
    const options = {
      ...(streams === undefined ? {} : { streams }),
      ...(tail === undefined || !isFirst ? {} : { tail }),
      ...(since === undefined ? {} : { since })
    }
    if (follow !== true) return readLog(this.docker, id, options)
    const position = this.positions.get(id)
    return followLog(this.docker, id, position === undefined ? options : { ...options, position })
  }

  #join(
    id: string,
    service: string,
    name: string,
    historyEnd: string | undefined,
    isFirst: boolean
  ): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.#joined.has(id)) return
      const source = this.#merger.add(historyEnd, yield* Clock.currentTimeMillis)
      const joined: Joined = { service, name, source, hasRoom: Effect.unsafeMakeLatch(true) }
      this.#joined.set(id, joined)
      const end = Effect.sync(() => {
        this.#merger.end(source)
        Queue.unsafeOffer(this.news, undefined)
      })
      yield* Stream.runForEach(this.#read(id, isFirst), (elements) => this.#offer(joined, elements)).pipe(
        Effect.zipRight(Effect.sync(() => this.#joined.delete(id))),
        Effect.catchAll((error) => this.#failed(id, joined, error)),
        Effect.ensuring(end),
        Effect.forkIn(this.scope)
      )
    })
  }

  #offer(joined: Joined, elements: ReadonlyArray<LogLine | LogMark | FollowElement>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { hasRoom, name, service, source } = joined
      this.#merger.offer(
        source,
        elements.map((element) => ownElement(element, service, name)),
        now
      )
      if (source.batches.length >= mostBatches) hasRoom.unsafeClose()
      // What exists already is merged when it is complete, and only then.
      if (this.options.follow === true || this.#merger.isComplete) Queue.unsafeOffer(this.news, undefined)
      return hasRoom.await
    })
  }

  /** One container's log that can't be read does not end those of the others. */
  #failed(id: string, joined: Joined, error: LogsError): Effect.Effect<unknown> {
    if (error._tag === "ContainerNotFound") return Effect.sync(() => this.#joined.delete(id))
    if (error._tag === "EngineUnavailable" || this.options.follow !== true) {
      // A follow is unavailable only before its first line. The container joins again when the engine is back.
      this.#joined.delete(id)
      if (this.options.follow === true) return Effect.void
      if (error._tag !== "LogsUnreadable") return this.output.fail(error)
    }
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const mark: LogMark = {
        _tag: "LogMark",
        mark: "engine_error",
        containerId: id,
        timestamp: millisTimestamp(now),
        message: error.message
      }
      return this.#offer(joined, [mark])
    })
  }

  /** Takes in what comes, and notes new names. */
  hear(element: WatchElement): Effect.Effect<void> {
    if (element._tag === "Resynced") return this.#takeIn
    if (element._tag !== "ContainerEvent") return Effect.void
    const { action, containerId, event, name } = element
    if (action !== "start" && action !== "rename") return Effect.void
    const known = this.#joined.get(containerId)
    if (known !== undefined) {
      known.name = name
      return Effect.void
    }
    const labels = composeLabels(event.attributes)
    if (action !== "start" || labels?.service === undefined || labels.project !== this.project) return Effect.void
    if (!belongs(this.options, labels.service, labels.oneOff)) return Effect.void
    return this.#join(containerId, labels.service, name, undefined, false)
  }

  /** Hands over what can be put in order. Ends when everything has ended, which a follow never does. */
  get merge(): Effect.Effect<void> {
    const step = Effect.gen(this, function* () {
      const now = yield* Clock.currentTimeMillis
      const merged = this.#merger.take(now, mostLines)
      if (merged.length === 0) {
        if (this.#merger.isDone && this.options.follow !== true) return true
        const next = this.#merger.nextAt(now)
        const news = Queue.take(this.news)
        yield* next === undefined ? news : Effect.timeoutOption(news, Math.max(0, next - now))
        return false
      }
      for (const { hasRoom, source } of this.#joined.values()) {
        if (source.batches.length < mostBatches) hasRoom.unsafeOpen()
      }
      yield* this.output.offer(merged)
      return false
    })
    return Effect.asVoid(Effect.repeat(step, { until: (isDone) => isDone }))
  }
}

const parsePositions = (positions: ComposeLogOptions["positions"]) =>
  Effect.map(
    Effect.forEach(positions ?? [], (position) =>
      typeof position === "string" ? LogPosition.parse(position) : Effect.succeed(position)
    ),
    (parsed) => new Map(parsed.map((position) => [position.containerId, position]))
  )

/**
 * The logs of a project's containers, in arrays of the lines that are handed over together: in the order of time, as far as
 * the lines exist already; lines that come later are put in order where they arrive within a tenth of a second. A follow
 * takes in the containers that are started later.
 */
export const projectLogs = (
  docker: DockerShape,
  project: string,
  options: ComposeLogOptions = {}
): Stream.Stream<ReadonlyArray<ComposeLogElement>, InvalidRequest | LogsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      yield* checkLogOptions(options)
      if (options.since !== undefined) yield* parseEngineTime("since", options.since)
      const positions = yield* parsePositions(options.positions)
      const news = yield* Queue.sliding<void>(1)
      const output = yield* Mailbox.make<ReadonlyArray<Element>, LogsError>({ capacity: 4 })
      const logs = new ProjectLogs(docker, project, options, positions, yield* Effect.scope, news, output)
      yield* logs.begin
      if (options.follow === true) {
        const watching = watchEngine(docker, { types: ["container"], snapshot: true })
        yield* Effect.forkScoped(Stream.runForEach(watching, (element) => logs.hear(element)))
      }
      yield* logs.merge.pipe(Mailbox.into(output), Effect.forkScoped)
      return Mailbox.toStream(output)
    })
  )
