import type { LogsError } from "@dockwire/core/Logs"
import * as Effect from "effect/Effect"
import { runWhenAvailable } from "../engine/reconnect.js"
import { type ContainerRef, ContainerResolver } from "./ContainerResolver.js"
import type { RunFork } from "./OneFiber.js"
import { RoomRequests } from "./RoomRequests.js"
import type { Containers } from "@dockwire/core/Containers"
import type { EngineMonitor } from "../engine/EngineMonitor.js"

/** A request to join a room of a container. */
export interface ContainerRequest {
  /** The container as the client named it. */
  readonly idOrName: string
  /** The room as the client named it. */
  readonly requestedRoom: string
  /** The canonical name of the room, for the container's full id. */
  readonly roomOf: (containerId: string) => string
  /** Carries the request out. */
  readonly onFound: (container: ContainerRef) => Effect.Effect<void>
  /** The engine does not answer: the request is carried out when it does. */
  readonly onUnavailable: (error: LogsError) => Effect.Effect<void>
  /** The engine has no such container, or can't say. `inTurnOf` waits for earlier requests about a room. */
  readonly onFailure: (
    error: LogsError,
    inTurnOf: (room: string, request: Effect.Effect<void>) => Effect.Effect<void>
  ) => Effect.Effect<void>
}

/** How many requests of a connection may wait for the engine's answer at the same time. */
const maxConcurrentRequests = 16

/** Carries out the requests of one client: those about one room in order, those about different rooms concurrently. */
export class ContainerRequests {
  private readonly permits = Effect.unsafeMakeSemaphore(maxConcurrentRequests)
  /** Requests that have not joined their room yet. */
  private readonly unresolved = new Set<number>()
  /** The rooms by whose requested name a request waits for the engine to come back. */
  private readonly waiting = new Set<string>()
  /** While there are unresolved requests: by canonical name, the latest request that came before the client left the room. */
  private readonly left = new Map<string, number>()

  private constructor(
    readonly resolver: ContainerResolver,
    private readonly requests: RoomRequests,
    /** Completes when the engine is available. */
    private readonly whenAvailable: Effect.Effect<void>,
    /** Answers the client if a request dies. */
    private readonly guard: (request: Effect.Effect<void>, about: string) => Effect.Effect<void>
  ) {}

  static readonly make = (
    whenAvailable: Effect.Effect<void>,
    guard: (request: Effect.Effect<void>, about: string) => Effect.Effect<void>,
    runFork: RunFork
  ): Effect.Effect<ContainerRequests, never, Containers | EngineMonitor> =>
    Effect.map(
      ContainerResolver.make,
      (resolver) => new ContainerRequests(resolver, new RoomRequests(runFork), whenAvailable, guard)
    )

  /** Interrupts all requests, and starts no more. */
  get close(): Effect.Effect<void> {
    return this.requests.close
  }

  /** How many requests have not joined their room yet. */
  get pending(): number {
    return this.unresolved.size
  }

  /** Starts to resolve a container and pass it on. */
  startWithContainer(request: ContainerRequest): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { idOrName, requestedRoom } = request
      const number = this.requests.next()
      const known = this.resolver.known(idOrName)
      const room = known === undefined ? requestedRoom : request.roomOf(known.id)
      const carryOut = known === undefined ? this.resolve(number, request) : this.enter(number, known, request)
      this.unresolved.add(number)
      // Of several requests for the same room that wait for the engine, the latest wins.
      const cancel = this.waiting.has(requestedRoom) ? this.requests.cancel(requestedRoom) : Effect.void
      const start = this.requests.start(number, room, this.guard(carryOut, idOrName), () => this.resolved(number))
      return Effect.zipRight(cancel, start)
    })
  }

  /** Starts a request that needs no container. */
  start(room: string, request: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const number = this.requests.next()
      const carryOut = Effect.suspend(() => {
        // From here on, the viewer is in the room, and must not count twice.
        this.resolved(number)
        return request
      })
      this.unresolved.add(number)
      return this.requests.start(number, room, this.guard(carryOut, room), () => this.resolved(number))
    })
  }

  /** Drops the requests to join a room that are not yet carried out. `names` are all names that the client may have used. */
  cancel(room: string, names: Iterable<string>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.unresolved.size > 0) this.left.set(room, this.requests.next())
      return Effect.forEach(new Set([room, ...names]), (name) => this.requests.cancel(name), { discard: true })
    })
  }

  private resolve(number: number, request: ContainerRequest): Effect.Effect<void> {
    const { idOrName, requestedRoom } = request
    const resolve = this.permits.withPermits(1)(this.resolver.resolve(idOrName))
    const whenAvailable = Effect.suspend(() => {
      this.waiting.add(requestedRoom)
      return Effect.ensuring(
        runWhenAvailable(resolve, this.whenAvailable),
        Effect.sync(() => this.waiting.delete(requestedRoom))
      )
    })
    const inTurnOf = (room: string, carryOut: Effect.Effect<void>) =>
      this.requests.inTurnOf(
        number,
        room,
        Effect.suspend(() => {
          this.resolved(number)
          return carryOut
        })
      )
    return resolve.pipe(
      Effect.catchTag("EngineUnavailable", (error) => Effect.zipRight(request.onUnavailable(error), whenAvailable)),
      Effect.matchEffect({
        onSuccess: (container) => this.enter(number, container, request),
        onFailure: (error) => request.onFailure(error, inTurnOf)
      })
    )
  }

  /** Carries out a request for a container that is known now, unless the client left its room in the meantime. */
  private enter(number: number, container: ContainerRef, request: ContainerRequest): Effect.Effect<void> {
    const room = request.roomOf(container.id)
    const carryOut = Effect.suspend(() => {
      const isLeft = (this.left.get(room) ?? 0) > number
      this.resolved(number)
      return isLeft ? Effect.void : request.onFound(container)
    })
    return this.requests.inTurnOf(number, room, this.permits.withPermits(1)(carryOut))
  }

  private resolved(number: number): void {
    this.unresolved.delete(number)
    if (this.unresolved.size === 0) this.left.clear()
  }
}
