/** One engine stream for each followed container, however many watch. */
import type { LogPosition } from "@dockwire/core/LogPosition"
import { type FollowElement, type FollowOptions, Logs, type LogsError } from "@dockwire/core/Logs"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { EngineMonitor } from "./EngineMonitor.js"
import { Hub } from "../rooms/Hub.js"
import { lastRecordTime } from "../rooms/comparePositions.js"
import type { Viewer } from "../rooms/Viewer.js"
import { containerLogsPrefix, containerLogsRoom, defaultTail } from "../Wire.js"

/** Where a container's follower begins, when the request at hand is the first. */
export interface FollowFrom {
  /** Full id. */
  readonly containerId: string
  readonly name: string
  readonly tail: number
  /** Where the viewer was before: the follower then begins there. */
  readonly position?: LogPosition
}

/** A container that is being followed. */
export interface Follower {
  readonly containerId: string
  readonly room: string
  /** The room has the last so many lines that there were when the follower began, and all since; 0 when it began elsewhere. */
  readonly tail: number
  /** Where it began, when it began behind a point. */
  readonly position: LogPosition | undefined
  /** Done when all that the log had when the follower began is in the room. */
  readonly loaded: Effect.Effect<void>
  /** Done when it has ended, and all that it had to tell is in the room; or after 3 seconds. */
  readonly over: Effect.Effect<void>
  /** Whether it began with a gap: what came right after `position` is gone. */
  readonly beganWithGap: () => boolean
}

/** How followers behave. */
export interface FollowersOptions {
  /** How long a container is followed on after its last viewer has left. Default 10 seconds. */
  readonly linger: Duration.DurationInput
}

/** The shape of `Followers`. */
export interface FollowersShape {
  /** The viewer watches the container from now on; its follower starts when there is none. */
  readonly watch: (viewer: Viewer, from: FollowFrom) => Effect.Effect<Follower>
  /** The viewer no longer watches. */
  readonly unwatch: (viewer: Viewer, containerId: string) => Effect.Effect<void>
  /** Whether the viewer watches. */
  readonly watches: (viewer: Viewer, containerId: string) => boolean
  /** The viewer is gone. */
  readonly unwatchAll: (viewer: Viewer) => Effect.Effect<void>
  /** The full ids of the containers that are followed now. */
  readonly following: () => ReadonlyArray<string>
}

const maxTail = 5_000
const batchLines = 2_000

const atMost3Seconds = (effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(effect, "3 seconds"))

class State implements Follower {
  readonly viewers = new Set<Viewer>()
  readonly room: string
  private readonly closing = Effect.unsafeMakeLatch(false)
  loaded: Effect.Effect<void> = Effect.void
  readonly over = atMost3Seconds(this.closing.await)
  fiber: Fiber.RuntimeFiber<void> | undefined
  linger: Fiber.RuntimeFiber<void> | undefined
  /** Another follower may publish to the room now. */
  ended = false
  private elements = 0
  private gapFirst = false
  /** The timestamp of the last line that there was at the beginning; undefined until it is known. */
  private end: string | undefined
  private reached = ""

  constructor(
    readonly containerId: string,
    readonly tail: number,
    readonly position: LogPosition | undefined,
    readonly open: () => void
  ) {
    this.room = containerLogsRoom(containerId)
    if (position !== undefined) this.reached = lastRecordTime(position)
  }

  close(): void {
    this.ended = true
    this.open()
    this.closing.unsafeOpen()
  }

  beganWithGap = (): boolean => this.gapFirst

  take(batch: ReadonlyArray<FollowElement>): void {
    const first = batch[0]
    if (this.elements === 0 && first?._tag === "LogMark" && first.mark === "gap") this.gapFirst = true
    this.elements += batch.length
    for (const element of batch) {
      if (element._tag === "LogLine" && element.timestamp > this.reached) this.reached = element.timestamp
    }
    this.check()
  }

  endsAt(timestamp: string): void {
    this.end = timestamp
    this.check()
  }

  private check(): void {
    if (this.end !== undefined && this.reached >= this.end) this.open()
  }
}

/** A refusal as the wire names it: `ContainerNotFound` is `container_not_found`. */
export const errorCode = (tag: string): string => tag.replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase()

const make = (options: FollowersOptions) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const logs = yield* Logs
    const monitor = yield* EngineMonitor
    const scope = yield* Effect.scope
    const followers = new Map<string, State>()

    /** Interruptible wherever it is forked: a fiber takes that over from its maker, and some are made in a finalizer. */
    const fork = <A>(effect: Effect.Effect<A>): Effect.Effect<Fiber.RuntimeFiber<A>> =>
      Effect.forkIn(Effect.interruptible(effect), scope)

    const publish = (state: State, batch: ReadonlyArray<FollowElement>): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (state.ended) return Effect.never
        hub.publishLogs(state.containerId, batch)
        state.take(batch)
        return hub.whenWanted(state.room)
      })

    /** No more than a part of what a ring holds at a time, so that who reads well is never overtaken. */
    const publishAll = (state: State, batch: ReadonlyArray<FollowElement>): Effect.Effect<void> =>
      batch.length <= batchLines
        ? publish(state, batch)
        : Effect.forEach(
            Array.from({ length: Math.ceil(batch.length / batchLines) }, (_, index) =>
              batch.slice(index * batchLines, (index + 1) * batchLines)
            ),
            (slice) => publish(state, slice),
            { discard: true }
          )

    /** From where the room's memory ends, else as the first request said. */
    const followOptions = (state: State): FollowOptions => {
      const last = hub.existing(state.room)?.logPosition ?? state.position
      return last === undefined ? { tail: state.tail } : { position: last }
    }

    const follow = (state: State): Effect.Effect<void, LogsError> =>
      Stream.suspend(() => logs.followBatches(state.containerId, followOptions(state))).pipe(
        Stream.runForEach((batch) => publishAll(state, batch)),
        Effect.catchTag("EngineUnavailable", () =>
          Effect.andThen(
            Effect.sleep("250 millis"),
            Effect.andThen(
              monitor.whenAvailable,
              Effect.suspend(() => follow(state))
            )
          )
        )
      )

    /** When the log ended as the follower began, told by the engine beside the follow. */
    const findEnd = (state: State): Effect.Effect<void> =>
      logs.read(state.containerId, { tail: 1 }).pipe(
        Stream.runLast,
        Effect.map(Option.match({ onNone: () => "", onSome: (line) => line.timestamp })),
        Effect.catchAll(() => Effect.succeed("")),
        Effect.flatMap((timestamp) => Effect.sync(() => state.endsAt(timestamp)))
      )

    const tellViewers = (state: State, error: LogsError) =>
      Effect.sync(() => {
        for (const viewer of state.viewers) {
          const asked = viewer.membership(state.room)?.asked ?? state.room
          const about = asked.slice(containerLogsPrefix.length)
          viewer.send({ event: "error", data: { code: errorCode(error._tag), message: error.message, about } })
        }
      })

    const end = (state: State) =>
      Effect.sync(() => {
        if (state.ended) return
        state.close()
        followers.delete(state.containerId)
        hub.forget(state.room)
      })

    const run = (state: State): Effect.Effect<void> =>
      follow(state).pipe(
        Effect.catchAll((error) => tellViewers(state, error)),
        Effect.raceFirst(Effect.andThen(findEnd(state), Effect.never)),
        Effect.ensuring(end(state))
      )

    const start = (from: FollowFrom): Effect.Effect<State> =>
      Effect.gen(function* () {
        const latch = yield* Effect.makeLatch(false)
        // What the room still remembers goes on where it ends.
        const position = hub.existing(containerLogsRoom(from.containerId))?.logPosition ?? from.position
        const tail = position === undefined ? Math.min(maxTail, Math.max(defaultTail, from.tail)) : 0
        const state = new State(from.containerId, tail, position, () => latch.unsafeOpen())
        state.loaded = atMost3Seconds(latch.await)
        hub.nameContainer(from.containerId, from.name)
        hub.claim(state.room)
        followers.set(from.containerId, state)
        state.fiber = yield* fork(run(state))
        return state
      })

    const stopLingering = (state: State): Effect.Effect<void> =>
      Effect.suspend(() => {
        const { linger } = state
        state.linger = undefined
        return linger === undefined ? Effect.void : Effect.asVoid(Fiber.interruptFork(linger))
      })

    const watch = (viewer: Viewer, from: FollowFrom) =>
      Effect.gen(function* () {
        const state = followers.get(from.containerId) ?? (yield* start(from))
        state.viewers.add(viewer)
        yield* stopLingering(state)
        return state
      }).pipe(Effect.uninterruptible)

    /** After a while with no viewer the engine's stream is closed. */
    const lingerOn = (state: State) =>
      Effect.gen(function* () {
        yield* Effect.sleep(options.linger)
        if (state.viewers.size > 0 || state.fiber === undefined) return
        // At once, so that from here on a new viewer gets a new follower.
        yield* end(state)
        yield* Fiber.interruptFork(state.fiber)
      })

    const unwatch = (viewer: Viewer, containerId: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        const state = followers.get(containerId)
        if (state === undefined || !state.viewers.delete(viewer) || state.viewers.size > 0) return Effect.void
        return Effect.map(fork(lingerOn(state)), (fiber) => {
          state.linger = fiber
        })
      })

    return {
      watch,
      unwatch,
      watches: (viewer: Viewer, containerId: string) => followers.get(containerId)?.viewers.has(viewer) ?? false,
      unwatchAll: (viewer: Viewer) =>
        Effect.suspend(() => Effect.forEach([...followers.keys()], (id) => unwatch(viewer, id), { discard: true })),
      following: () => [...followers.keys()]
    } satisfies FollowersShape
  })

/** Follows containers for the viewers of the hub. */
export class Followers extends Context.Tag("@dockwire/server/Followers")<Followers, FollowersShape>() {
  /** Followers with another linger. */
  static readonly layerWith = (options: FollowersOptions): Layer.Layer<Followers, never, Hub | Logs | EngineMonitor> =>
    Layer.scoped(Followers, make(options))

  /** Followers that go on for 10 seconds after the last viewer has left. */
  static readonly layer: Layer.Layer<Followers, never, Hub | Logs | EngineMonitor> = Followers.layerWith({
    linger: Duration.seconds(10)
  })
}
