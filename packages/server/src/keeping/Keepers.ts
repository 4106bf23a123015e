import type { ContainerSummary } from "@dockwire/core/Containers"
import type { WatchElement } from "@dockwire/core/Events"
import { isoTimestamp } from "../engine/isoTimestamp.js"
import { matchesSource } from "../store/find/sourcePattern.js"
import { type LogSource, sourceId } from "../store/LogRecord.js"
import { ContainerKeeper, type KeeperServices, type KeptContainer } from "./ContainerKeeper.js"
import { sourceOf } from "./sourceOf.js"

/** Which logs are kept, and how much of them. */
export interface KeepersOptions {
  /** Patterns of sources, as those of a search. Default: all. */
  readonly sources?: ReadonlyArray<string>
  /** Bytes of text of one source. */
  readonly sourceBytes: number
  /** Bytes of text in all. */
  readonly bytes: number
}

/** Most lines are longer, in bytes. */
const shortLine = 100

interface Start {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly at: string
}

const isRunning = ({ state }: ContainerSummary): boolean =>
  state === "running" || state === "paused" || state === "restarting"

/** The keepers of all containers, brought in line with what the engine says. */
export class Keepers {
  private readonly keepers = new Map<string, ContainerKeeper>()
  /** Containers that are gone and whose logs are kept as far as they will be, although a list may still have them. */
  private readonly over = new Set<string>()
  /** What happened since the last list. */
  private readonly started = new Map<string, Start>()
  private readonly removed = new Map<string, string>()

  constructor(
    private readonly services: KeeperServices,
    private readonly options: KeepersOptions
  ) {}

  /** The full ids of the containers that have a keeper. */
  ids(): ReadonlyArray<string> {
    return [...this.keepers.keys()]
  }

  /** Takes note of what the engine says. Returns whether its containers have to be listed. */
  hear(element: WatchElement): boolean {
    if (element._tag === "Resynced") return true
    if (element._tag !== "ContainerEvent") return false
    const { action, containerId, event, name } = element
    const at = isoTimestamp(event.timeNano)
    if (action === "start") this.started.set(containerId, { name, at, labels: event.attributes })
    else if (action === "destroy") this.removed.set(containerId, at)
    return action === "start" || action === "destroy" || action === "rename"
  }

  /** Takes over a list of all containers. Returns the keepers that have to be run. */
  update(engine: string, containers: ReadonlyArray<ContainerSummary>): ReadonlyArray<ContainerKeeper> {
    const [started, removed] = [new Map(this.started), new Map(this.removed)]
    this.started.clear()
    this.removed.clear()
    const listed = new Set(containers.map(({ id }) => id))
    for (const id of this.over) if (!listed.has(id)) this.over.delete(id)
    const { bytes, sourceBytes } = this.options
    const tail = Math.ceil(Math.min(sourceBytes, bytes / Math.max(1, containers.length)) / shortLine)
    const found = containers.flatMap((container) => {
      const start = started.get(container.id)
      // Before its first start, a container has no log.
      if (container.state === "created" && start === undefined) return []
      return this.keep(
        { ...container, source: sourceOf(engine, container), isRunning: isRunning(container), tail },
        start
      )
    })
    const vanished = [...started].flatMap(([id, start]) => {
      if (listed.has(id)) return []
      return this.keep({ id, name: start.name, source: sourceOf(engine, start), isRunning: false, tail }, start)
    })
    for (const [id, keeper] of this.keepers) {
      if (!listed.has(id)) keeper.setRemoved(removed.get(id))
    }
    return [...found, ...vanished]
  }

  /** Takes over the containers that the store knows and the engine does not: they were removed while nobody kept their logs. */
  addGone(
    engine: string,
    containers: ReadonlyArray<ContainerSummary>,
    stored: ReadonlyArray<LogSource>
  ): ReadonlyArray<ContainerKeeper> {
    const listed = new Set(containers.map(({ id }) => id))
    return stored
      .filter((source) => source.engine === engine)
      .flatMap(({ generations, name, project }) => {
        const source = { engine, name, ...(project === undefined ? {} : { project }) }
        return generations
          .filter(({ containerId }) => !listed.has(containerId))
          .flatMap(({ containerId: id, containerName }) =>
            this.keep({ id, name: containerName, source, isRunning: false, tail: 0 }, undefined)
          )
      })
  }

  /** The keeper has ended. */
  forget(keeper: ContainerKeeper): void {
    const { id } = keeper.container
    if (this.keepers.get(id) === keeper) this.keepers.delete(id)
    this.over.add(id)
  }

  /** Returns the keeper if it is new. */
  private keep(container: KeptContainer, start: Start | undefined): ReadonlyArray<ContainerKeeper> {
    const { id, name, source } = container
    if (name === "" || this.over.has(id) || !matchesSource(this.options.sources, sourceId(source))) return []
    const known = this.keepers.get(id)
    if (known !== undefined) {
      known.setContainer(container, start?.at)
      return []
    }
    const keeper = new ContainerKeeper(this.services, container, start?.at)
    this.keepers.set(id, keeper)
    return [keeper]
  }
}
