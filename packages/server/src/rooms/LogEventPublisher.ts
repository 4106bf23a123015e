import {
  type LogEvent,
  type LogLine,
  type LogMark,
  type OperationEvent,
  isOperationEnded
} from "@dockwire/core/LogEvent"
import { containerLogsRoom } from "../Wire.js"
import { containerEvent, containerHead, hasPosition } from "./events/containerEvents.js"
import { operationEvents, operationHead, operationRooms } from "./events/operationEvents.js"
import type { LineHead, RoomEvent } from "./events/RoomEvent.js"
import { positionBeforeFirst } from "./logPositionKeys.js"
import type { RoomRegistry } from "./RoomRegistry.js"

const append = <A>(into: Map<string, Array<A>>, key: string, value: A): void => {
  const values = into.get(key)
  if (values === undefined) into.set(key, [value])
  else values.push(value)
}

/** Publishes log events to the rooms that they belong to. Keeps the heads that the lines of a container or a run share. */
export class LogEventPublisher {
  private readonly containers = new Map<string, { readonly name: string; readonly head: LineHead }>()
  private readonly runs = new Map<string, LineHead>()

  constructor(private readonly rooms: RoomRegistry) {}

  setContainerName(containerId: string, name: string): void {
    if (this.containers.get(containerId)?.name === name) return
    this.containers.set(containerId, { name, head: containerHead(containerId, name) })
  }

  forgetContainer(containerId: string): void {
    this.containers.delete(containerId)
  }

  publishLogs(containerId: string, elements: ReadonlyArray<LogLine | LogMark>): void {
    const head = this.headOf(containerId)
    const events = elements.map((element) => containerEvent(element, head))
    const room = containerLogsRoom(containerId)
    const [first] = elements
    if (first !== undefined && hasPosition(first)) this.rooms.ring(room).startAt(positionBeforeFirst(first))
    this.rooms.publish(room, events)
  }

  offer(events: ReadonlyArray<LogEvent>): void {
    const logs = new Map<string, Array<LogLine | LogMark>>()
    const operations = new Map<string, Array<RoomEvent>>()
    for (const event of events) {
      if (event._tag === "LogLine" || event._tag === "LogMark") append(logs, event.containerId, event)
      else this.collectOperation(operations, event)
    }
    for (const [containerId, elements] of logs) {
      if (!this.rooms.isClaimed(containerLogsRoom(containerId))) this.publishLogs(containerId, elements)
    }
    for (const [room, batch] of operations) this.rooms.publish(room, batch)
  }

  private headOf(containerId: string): LineHead {
    const known = this.containers.get(containerId)
    if (known !== undefined) return known.head
    const name = containerId.slice(0, 12)
    const head = containerHead(containerId, name)
    this.containers.set(containerId, { name, head })
    return head
  }

  private collectOperation(into: Map<string, Array<RoomEvent>>, event: OperationEvent): void {
    const head = this.runs.get(event.logId) ?? operationHead(event)
    if (isOperationEnded(event)) this.runs.delete(event.logId)
    else this.runs.set(event.logId, head)
    const encoded = operationEvents(event, head)
    if (encoded.length === 0) return
    for (const room of operationRooms(event.logId, event.target)) {
      for (const one of encoded) append(into, room, one)
    }
  }
}
