import { Containers } from "@dockwire/core/Containers"
import type { LogsError } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import type * as Scope from "effect/Scope"
import { EngineMonitor, type EngineMonitorShape } from "../engine/EngineMonitor.js"
import { runWhenAvailable } from "../engine/reconnect.js"
import { containerLogsPrefix, containerStatsPrefix } from "../Wire.js"

/** The id and the name of a container. */
export interface ContainerRef {
  /** Full id. */
  readonly id: string
  readonly name: string
}

/** A request that needs a container. */
export interface ContainerRequest {
  /** The room as the client named it. Of several requests for the same room that wait for the engine, the latest wins. */
  readonly requestedRoom: string
  /** Full id, short id or name. */
  readonly idOrName: string
  readonly onFound: (container: ContainerRef) => Effect.Effect<void>
  readonly onError: (error: LogsError) => Effect.Effect<void>
}

/** Resolves the names and ids by which one client asks for containers. Requests wait while the engine is unavailable. */
export class ContainerResolver {
  private readonly resolved = new Map<string, ContainerRef>()

  private constructor(
    private readonly containers: Context.Tag.Service<typeof Containers>,
    private readonly monitor: EngineMonitorShape,
    /** Requests that wait for the engine, by `requestedRoom`. */
    private readonly waiting: FiberMap.FiberMap<string, void>
  ) {}

  static readonly make: Effect.Effect<ContainerResolver, never, Containers | EngineMonitor | Scope.Scope> = Effect.gen(
    function* () {
      return new ContainerResolver(yield* Containers, yield* EngineMonitor, yield* FiberMap.make<string, void>())
    }
  )

  /** How many requests wait for the engine. */
  get waitingCount(): Effect.Effect<number> {
    return FiberMap.size(this.waiting)
  }

  /**
   * Resolves the container and passes it on. If the engine is unavailable, `onError` reports that at once, and the request is
   * carried out when the engine is back.
   */
  request(request: ContainerRequest): Effect.Effect<void> {
    const { idOrName, onError, onFound, requestedRoom } = request
    const resolve = this.resolve(idOrName)
    const whenAvailable = runWhenAvailable(resolve, this.monitor.whenAvailable)
    return Effect.matchEffect(resolve, {
      onSuccess: onFound,
      onFailure: (error) =>
        error._tag !== "EngineUnavailable"
          ? onError(error)
          : onError(error).pipe(
              Effect.andThen(this.cancel(requestedRoom)),
              Effect.andThen(
                FiberMap.run(
                  this.waiting,
                  requestedRoom,
                  Effect.matchEffect(whenAvailable, { onSuccess: onFound, onFailure: onError })
                )
              )
            )
    })
  }

  /** Drops the request for this room if it waits for the engine. */
  cancel(requestedRoom: string): Effect.Effect<void> {
    return FiberMap.remove(this.waiting, requestedRoom)
  }

  /** The canonical name of a room that was requested by a container's name or short id. */
  canonicalRoom(requestedRoom: string): string {
    for (const prefix of [containerLogsPrefix, containerStatsPrefix]) {
      if (!requestedRoom.startsWith(prefix)) continue
      const idOrName = requestedRoom.slice(prefix.length)
      // First what the client's own request resolved to: the name may belong to another container by now.
      return prefix + (this.resolved.get(idOrName)?.id ?? this.monitor.find(idOrName)?.id ?? idOrName)
    }
    return requestedRoom
  }

  private resolve(idOrName: string): Effect.Effect<ContainerRef, LogsError> {
    return Effect.suspend((): Effect.Effect<ContainerRef, LogsError> => {
      const known = this.monitor.find(idOrName)
      return known === undefined ? this.containers.inspect(idOrName) : Effect.succeed(known)
    }).pipe(
      Effect.map(({ id, name }) => ({ id, name })),
      Effect.tap((container) => {
        this.resolved.set(idOrName, container)
      })
    )
  }
}
