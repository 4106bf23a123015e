/** Encodes an operation's events as events of its rooms. */
import type { OperationEvent, OperationTarget } from "@dockwire/core/LogEvent"
import * as Wire from "../../Wire.js"
import type { LineHead, RoomEvent } from "./RoomEvent.js"

/** The rooms of a run: the room of all operations, its own room, and the rooms of its compose file and its image. */
export const operationRooms = (logId: string, target: OperationTarget): ReadonlyArray<string> => {
  const rooms = [Wire.allOperationsRoom, Wire.operationRoom(logId)]
  if (target.configId !== undefined) rooms.push(Wire.configRoom(target.configId))
  if (target.imageName !== undefined) rooms.push(Wire.imageRoom(target.imageName))
  return rooms
}

const operationData = (event: OperationEvent): Wire.OperationData => ({
  log_id: event.logId,
  operation_type: event.kind,
  config_id: event.target.configId ?? null,
  container_id: event.target.containerId ?? null,
  image_name: event.target.imageName ?? null
})

/** The head of a run's lines. */
export const operationHead = (event: OperationEvent): LineHead => {
  const data: Wire.OperationLogData = { ...operationData(event), status: "running" }
  return { json: JSON.stringify(data).slice(0, -1) }
}

const encodeEnd = (
  event: OperationEvent,
  end: { readonly success: boolean; readonly status: Wire.OperationEnd; readonly error?: string }
): RoomEvent => {
  const data: Wire.DockerLogCompleteMessage["data"] = { ...operationData(event), ...end, timestamp: event.timestamp }
  return { event: "docker_log_complete", json: JSON.stringify(data) }
}

const encodeLine = (
  head: LineHead,
  ...line: readonly [timestamp: string, stream: Wire.WireStream, text: string]
): RoomEvent => ({
  event: "docker_log",
  head,
  json: JSON.stringify(line satisfies Wire.WireLine)
})

/**
 * Encodes an event of a run. `OperationStarted` has no message of its own. What an interrupted run has left behind is a line,
 * as the message of its end has no place for it.
 */
export const operationEvents = (event: OperationEvent, head: LineHead): ReadonlyArray<RoomEvent> => {
  switch (event._tag) {
    case "OperationStarted":
      return []
    case "OperationLine":
      return [encodeLine(head, event.timestamp, event.stream, event.text)]
    case "OperationProgress": {
      const data: Wire.DockerProgressMessage["data"] = {
        ...operationData(event),
        id: event.id,
        status: event.status,
        ...(event.current === undefined ? {} : { current: event.current }),
        ...(event.total === undefined ? {} : { total: event.total }),
        timestamp: event.timestamp
      }
      return [{ event: "docker_progress", json: JSON.stringify(data) }]
    }
    case "OperationCompleted":
      return [encodeEnd(event, { success: true, status: "completed" })]
    case "OperationFailed":
      return [encodeEnd(event, { success: false, status: "failed", error: event.error })]
    case "OperationInterrupted": {
      const end = encodeEnd(event, { success: false, status: "interrupted" })
      return event.detail === undefined ? [end] : [encodeLine(head, event.timestamp, "system", event.detail), end]
    }
  }
}
