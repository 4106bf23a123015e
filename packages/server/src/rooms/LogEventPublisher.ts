import {
  type LogEvent,
  type LogLine,
  type LogMark,
  type OperationEvent,
  isOperationEnded
} from "@dockwire/core/LogEvent"
import { containerLogsRoom, operationRoom } from "../Wire.js"
import { containerEvent, containerHead, hasPosition } from "./events/containerEvents.js"
import { operationEvents, operationHead, operationRooms, runEpoch } from "./events/operationEvents.js"
import type { LineHead, RoomEvent } from "./events/RoomEvent.js"
import type { RoomPlace } from "./log/RoomLogShape.js"
import { positionBeforeFirst } from "./logPositionKeys.js"
import type { RoomRegistry } from "./RoomRegistry.js"

const append = <A>(into: Map<string, Array<A>>, key: string, value: A): void => {
  const values = into.get(key)
  if (values === undefined) into.set(key, [value])
  else values.push(value)
}

/** A run that has not ended. */
export interface RunningRun {
  readonly head: LineHead
  /** The `order` of its first event in the history of operations, if it is stored. */
  readonly order: number | undefined
}

/** Events for one room, one after the other. */
interface Batch {
  readonly room: string
  readonly events: Array<RoomEvent>
  /** The place of the first event, in the room of a run. */
  readonly at?: RoomPlace
}

/** Publishes log events to the rooms that they belong to. Keeps the heads that the lines of a container or a run share. */
export class LogEventPublisher {
  private readonly containers = new Map<string, { readonly name: string; readonly head: LineHead }>()
  /** The runs that have not ended, by log id. */
  readonly runs = new Map<string, RunningRun>()

  constructor(private readonly rooms: RoomRegistry) {}

  setContainerName(containerId: string, name: string): void {
    if (this.containers.get(containerId)?.name === name) return
    this.containers.set(containerId, { name, head: containerHead(containerId, name) })
  }

  forgetContainer(containerId: string): void {
    this.containers.delete(containerId)
  }

  /** Encodes lines and marks for a container's room, which begins in front of the first of them if it is new. */
  encodeLogs(containerId: string, elements: ReadonlyArray<LogLine | LogMark>): ReadonlyArray<RoomEvent> {
    const head = this.headOf(containerId)
    const [first] = elements
    if (first !== undefined && hasPosition(first)) {
      this.rooms.ring(containerLogsRoom(containerId)).startAt(positionBeforeFirst(first))
    }
    return elements.map((element) => containerEvent(element, head))
  }

  publishLogs(containerId: string, elements: ReadonlyArray<LogLine | LogMark>): void {
    this.rooms.publish(containerLogsRoom(containerId), this.encodeLogs(containerId, elements))
  }

  /** `firstOrder` is the order of the first event of a run among them in the history of operations. */
  offer(events: ReadonlyArray<LogEvent>, firstOrder: number | undefined): void {
    const logs = new Map<string, Array<LogLine | LogMark>>()
    const shared = new Map<string, Array<RoomEvent>>()
    const runs: Array<Batch> = []
    let order = firstOrder
    for (const event of events) {
      if (event._tag === "LogLine" || event._tag === "LogMark") append(logs, event.containerId, event)
      else this.collectOperation(shared, runs, event, order === undefined ? undefined : order++)
    }
    for (const [containerId, elements] of logs) {
      if (!this.rooms.isClaimed(containerLogsRoom(containerId))) this.publishLogs(containerId, elements)
    }
    for (const [room, batch] of shared) this.rooms.publish(room, batch)
    for (const { at, events: batch, room } of runs) this.rooms.publish(room, batch, at)
  }

  private headOf(containerId: string): LineHead {
    const known = this.containers.get(containerId)
    if (known !== undefined) return known.head
    const name = containerId.slice(0, 12)
    const head = containerHead(containerId, name)
    this.containers.set(containerId, { name, head })
    return head
  }

  private collectOperation(
    shared: Map<string, Array<RoomEvent>>,
    runs: Array<Batch>,
    event: OperationEvent,
    order: number | undefined
  ): void {
    const { logId, seq } = event
    const run = this.runs.get(logId) ?? { head: operationHead(event), order }
    if (isOperationEnded(event)) this.runs.delete(logId)
    else this.runs.set(logId, run)
    const encoded = operationEvents(event, run.head, order)
    if (encoded.length === 0) return
    const own = operationRoom(logId)
    for (const room of operationRooms(logId, event.target)) {
      if (room !== own) for (const one of encoded) append(shared, room, one)
    }
    const last = runs.findLast(({ room }) => room === own)
    if (last?.at !== undefined && last.at.seq + last.events.length === seq) last.events.push(...encoded)
    else runs.push({ room: own, events: [...encoded], at: { epoch: runEpoch(logId), seq } })
  }
}
