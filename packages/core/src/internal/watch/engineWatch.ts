import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import { type DockerFailure, EngineUnavailable, InvalidRequest } from "../../DockerError.js"
import { livenessCheck, livenessTimeout, reconnect } from "../api/schedules.js"
import { openEvents } from "./engineEvents.js"
import type { EngineEvent } from "./eventModel.js"
import { EngineView } from "./engineView.js"
import { toWatchedEvent, WatchedType, type WatchElement } from "./watchElement.js"

/**
 * Options of `Events.watch`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WatchOptions {
  /** The kinds of object to watch. Default: all four. */
  readonly types?: ReadonlyArray<WatchedType>
  /**
   * Begins with a snapshot: the watch starts as if it was disconnected from an empty engine, so that its first `Resynced`
   * lists every object as `added`. An engine that can't be reached at first is then a `Disconnected` and not a failure, and
   * `Disconnected` is emitted again whenever the error changes during an outage. Default: false.
   */
  readonly snapshot?: boolean
}

/** The state of one watch. Each connection updates it; it outlives them. */
class EngineWatcher {
  /** What was known when the watch was last connected; `undefined` until it has connected once. */
  #view: EngineView | undefined
  /** The error of the `Disconnected` that was emitted last in this outage. */
  #reported: string | undefined
  /** The defect that ended the last connection, if one did. */
  #lastDefect: string | undefined
  /** How many chunks of events have arrived. */
  #chunks = 0

  constructor(
    readonly docker: DockerShape,
    readonly types: ReadonlyArray<WatchedType>,
    readonly snapshot: boolean,
    readonly elements: Mailbox.Mailbox<WatchElement, InvalidRequest | DockerFailure>
  ) {
    if (snapshot) this.#view = new EngineView()
  }

  /** One connection, until it is lost. Subscribes before it reads the view, so that no change falls in between. */
  #connection(onConnected: Effect.Effect<void>): Effect.Effect<never, InvalidRequest | DockerFailure, Scope.Scope> {
    return Effect.gen(this, function* () {
      const events = yield* openEvents(this.docker, { filters: { type: this.types } })
      const view = yield* EngineView.read(this.docker, this.types)
      yield* onConnected
      this.#reported = undefined
      if (this.#view !== undefined) {
        yield* this.elements.offer({ _tag: "Resynced", changes: view.changesSince(this.#view) })
      }
      this.#view = view
      const watching = Stream.runForEachChunk(events, (chunk) => this.#emit(view, Chunk.toReadonlyArray(chunk)))
      yield* Effect.raceFirst(watching, this.#untilDead)
      return yield* new EngineUnavailable({
        endpoint: this.docker.endpoint,
        reason: "Lost",
        detail: "the engine ended the event stream"
      })
    })
  }

  #emit(view: EngineView, events: ReadonlyArray<EngineEvent>): Effect.Effect<void, DockerFailure> {
    return Effect.gen(this, function* () {
      this.#chunks++
      for (const event of events) view.apply(event)
      yield* this.elements.offerAll(
        events.flatMap((event) => {
          const element = toWatchedEvent(event)
          return element === undefined ? [] : [element]
        })
      )
      if (events.some(({ type }) => type === "image")) yield* view.refresh(this.docker, "image")
    })
  }

  /**
   * Fails when the engine no longer answers. An event stream whose peer vanished without closing it stays silent for ever.
   * One on which events arrive is alive, however slowly the engine answers.
   */
  get #untilDead(): Effect.Effect<unknown, EngineUnavailable> {
    const check = Effect.suspend(() => {
      const chunks = this.#chunks
      return this.docker.json({ method: "GET", path: "/_ping", timeout: livenessTimeout }).pipe(
        Effect.catchTag("EngineError", () => Effect.void),
        Effect.catchIf(
          () => this.#chunks !== chunks,
          () => Effect.void
        )
      )
    })
    return Effect.schedule(check, livenessCheck)
  }

  #reportOutage(error: DockerFailure): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      if (this.#reported === error.message || (this.#reported !== undefined && !this.snapshot)) return Effect.void
      this.#reported = error.message
      return this.elements.offer({ _tag: "Disconnected", error })
    })
  }

  /** The error that ended a connection. A defect must not end the watch, so it counts as a lost connection. */
  #connectionError(cause: Cause.Cause<InvalidRequest | DockerFailure>) {
    const failure = Cause.failureOption(cause)
    if (Option.isSome(failure)) {
      this.#lastDefect = undefined
      return Effect.succeed(failure.value)
    }
    const detail = `watching the engine died: ${Cause.pretty(cause).split("\n", 1).join()}`
    const isNew = detail !== this.#lastDefect
    this.#lastDefect = detail
    return Effect.as(
      isNew ? Effect.logError("Watching the engine died. It connects again.", cause) : Effect.void,
      new EngineUnavailable({ endpoint: this.docker.endpoint, reason: "Lost", detail })
    )
  }

  /** Connects again and again; fails only if the first connection can't be made. */
  get run(): Effect.Effect<never, InvalidRequest | DockerFailure> {
    return Effect.flatMap(Schedule.driver(reconnect), (backoff) => {
      // A defect that returns with every connection must not make it connect without a pause.
      const reset = Effect.suspend(() => (this.#lastDefect === undefined ? backoff.reset : Effect.void))
      return Effect.scoped(this.#connection(reset)).pipe(
        Effect.catchAllCause((cause) => Effect.flatMap(this.#connectionError(cause), Effect.fail)),
        Effect.catchAll((error) =>
          this.#view === undefined || error._tag === "InvalidRequest"
            ? Effect.fail(error)
            : Effect.zipRight(this.#reportOutage(error), Effect.ignore(backoff.next(error)))
        ),
        Effect.forever
      )
    })
  }
}

/** The engine's events, without end. After an outage it compares the engine with what it knew, and emits the differences. */
export const watchEngine = (
  docker: DockerShape,
  { snapshot = false, types = WatchedType.literals }: WatchOptions
): Stream.Stream<WatchElement, InvalidRequest | DockerFailure> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      if (types.length === 0) {
        return yield* new InvalidRequest({ field: "types", value: "[]", detail: "must contain at least one type" })
      }
      const elements = yield* Mailbox.make<WatchElement, InvalidRequest | DockerFailure>({ capacity: 1024 })
      const watcher = new EngineWatcher(docker, types, snapshot, elements)
      yield* watcher.run.pipe(Mailbox.into(elements), Effect.forkScoped)
      return Mailbox.toStream(elements)
    })
  )
