import { Containers } from "@dockwire/core/Containers"
import type { LogsError } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { EngineMonitor, type EngineMonitorShape } from "../engine/EngineMonitor.js"
import { containerLogsPrefix, containerStatsPrefix } from "../Wire.js"

/** The id and the name of a container. */
export interface ContainerRef {
  /** Full id. */
  readonly id: string
  readonly name: string
}

/** Resolves the names and ids by which one client asks for containers. */
export class ContainerResolver {
  private readonly resolved = new Map<string, ContainerRef>()

  private constructor(
    private readonly containers: Context.Tag.Service<typeof Containers>,
    private readonly monitor: EngineMonitorShape
  ) {}

  static readonly make: Effect.Effect<ContainerResolver, never, Containers | EngineMonitor> = Effect.gen(function* () {
    return new ContainerResolver(yield* Containers, yield* EngineMonitor)
  })

  /** The container, if it is known without asking the engine. */
  known(idOrName: string): ContainerRef | undefined {
    const known = this.monitor.find(idOrName)
    return known === undefined ? undefined : this.remember(idOrName, known)
  }

  /** Resolves the container. */
  resolve(idOrName: string): Effect.Effect<ContainerRef, LogsError> {
    return Effect.suspend(() => {
      const known = this.known(idOrName)
      return known === undefined
        ? Effect.map(this.containers.inspect(idOrName), (container) => this.remember(idOrName, container))
        : Effect.succeed(known)
    })
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

  /** The client asked for the container by this name. */
  remember(idOrName: string, { id, name }: ContainerRef): ContainerRef {
    const container = { id, name }
    this.resolved.set(idOrName, container)
    return container
  }
}
