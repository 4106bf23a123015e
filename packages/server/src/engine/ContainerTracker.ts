import type { ContainerState } from "@dockwire/core/Containers"
import type { ContainerEvent, EngineChange } from "@dockwire/core/Events"
import { recreatedMark } from "../rooms/events/containerEvents.js"
import type { HubShape } from "../rooms/Hub.js"
import { containerLogsRoom } from "../Wire.js"
import { isoTimestamp } from "./isoTimestamp.js"
import { type KnownContainer, KnownContainers } from "./KnownContainers.js"

const statusOfState: Record<ContainerState, string> = {
  created: "created",
  running: "running",
  paused: "paused",
  restarting: "restarting",
  removing: "removing",
  exited: "stopped",
  dead: "dead"
}

/** A container's status after an event. Actions that do not change it are not listed. */
const statusAfterAction: Readonly<Record<string, string>> = {
  create: "created",
  start: "running",
  restart: "running",
  unpause: "running",
  pause: "paused",
  die: "stopped",
  stop: "stopped",
  destroy: "removed"
}

const nameOr = (name: string, id: string): string => (name === "" ? id.slice(0, 12) : name)

/** Keeps track of the engine's containers, and broadcasts each change of status to the viewers of a hub. */
export class ContainerTracker {
  private readonly known = new KnownContainers()
  private hasListed = false
  /** The containers whose events since the last list have been applied. */
  private readonly changed = new Set<string>()

  constructor(private readonly hub: HubShape) {}

  /** Finds a container by name, full id, or unambiguous short id. */
  find(idOrName: string): KnownContainer | undefined {
    return this.known.find(idOrName)
  }

  /** Applies the differences from a `Resynced`. Those of the first one are all containers there are, and not broadcast. */
  applyChanges(changes: ReadonlyArray<EngineChange>): void {
    const isFirst = !this.hasListed
    const timestamp = new Date().toISOString()
    this.hasListed = true
    this.changed.clear()
    for (const change of changes) if (change.type === "container") this.applyChange(change, isFirst, timestamp)
  }

  /** Applies an event of the engine. */
  applyEvent({ action, containerId: id, event, name: reported }: ContainerEvent): void {
    const name = nameOr(reported, id)
    if (action === "rename") return this.rename(id, name, isoTimestamp(event.timeNano))
    const status = statusAfterAction[action]
    if (status === undefined || this.isListed(id, status)) return
    const timestamp = isoTimestamp(event.timeNano)
    if (action === "destroy") this.changed.delete(id)
    else this.changed.add(id)
    if (action === "create") this.markPredecessor(name, timestamp)
    if (action === "destroy") this.known.remove(id)
    else this.known.set({ id, name, status })
    this.broadcast({ id, name, status }, action, timestamp)
  }

  /** Broadcasts that an action on a container failed. */
  reportFailure(idOrName: string, action: string, error: string): void {
    const container = this.known.find(idOrName)
    if (container !== undefined) this.broadcast(container, action, new Date().toISOString(), error)
  }

  private applyChange({ change, id, name: reported, state }: EngineChange, isFirst: boolean, timestamp: string): void {
    const before = this.known.get(id)
    const name = nameOr(reported, id)
    if (change === "removed") {
      this.known.remove(id)
      if (before !== undefined) this.broadcast({ id, name, status: "removed" }, "destroy", timestamp)
      return
    }
    if (state === undefined) return
    const status = statusOfState[state]
    if (before === undefined && !isFirst) this.markPredecessor(name, timestamp)
    if (before !== undefined) this.rename(id, name, timestamp)
    this.known.set({ id, name, status })
    if (isFirst || before?.status === status) return
    this.broadcast({ id, name, status }, before === undefined ? "create" : status, timestamp)
  }

  /**
   * Whether the last list already had the result of an event. The list is read after the subscription to the events, so
   * the first events of a container may be from before it. The engine's clock can't tell: it may differ from ours.
   */
  private isListed(id: string, status: string): boolean {
    return this.hasListed && !this.changed.has(id) && (this.known.get(id)?.status ?? "removed") === status
  }

  /** From now on, the container has another name, and so have the lines in its room. */
  private rename(id: string, name: string, timestamp: string): void {
    const before = this.known.get(id)
    if (before === undefined || before.name === name) return
    this.markPredecessor(name, timestamp)
    this.known.set({ ...before, name })
    if (this.hub.findRing(containerLogsRoom(id)) !== undefined) this.hub.setContainerName(id, name)
    this.broadcast({ ...before, name }, "rename", timestamp)
  }

  /** If the name belonged to a container that was removed, marks in its room that it was recreated. */
  private markPredecessor(name: string, timestamp: string): void {
    const predecessor = this.known.takePredecessor(name)
    if (predecessor === undefined) return
    const room = containerLogsRoom(predecessor)
    if (this.hub.findRing(room) !== undefined) this.hub.publish(room, [recreatedMark(predecessor, timestamp)])
  }

  private broadcast(container: KnownContainer, action: string, timestamp: string, error?: string): void {
    const { id, name, status } = container
    const result = error === undefined ? { success: true } : { success: false, error }
    this.hub.broadcast({
      event: "container_status_change",
      data: { container_id: id, name, status, action, ...result, timestamp }
    })
  }
}
