/** Encodes an operation's events as events of its rooms. */
import type { OperationEvent, OperationFailure, OperationProgress, OperationTarget } from "@dockwire/core/LogEvent"
import { createHash } from "node:crypto"
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
  return { json: JSON.stringify(data).slice(0, -1), run: event.logId }
}

/** The epoch of the room of a run: its log id, or what stands for it in a position. */
export const runEpoch = (logId: string): string =>
  /^[0-9a-z-]{1,64}$/.test(logId) ? logId : createHash("sha256").update(logId).digest("hex").slice(0, 32)

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const failureData = ({ fields, tag }: OperationFailure): Wire.OperationFailureData => ({
  ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [snakeCase(name), value])),
  tag
})

const encodeEnd = (
  event: OperationEvent,
  end: Pick<Wire.DockerLogCompleteMessage["data"], "success" | "status" | "error" | "failure">
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

const resourceOf = ({ resource, step }: OperationProgress): Wire.WireResource | undefined => {
  if (resource !== undefined || step === undefined) return resource
  const { error, name, stage } = step
  const detail = error === undefined ? {} : { detail: error }
  return { kind: "step", name, ...(stage === undefined ? {} : { parent: stage }), ...detail }
}

const encodeOperation = (event: OperationEvent, head: LineHead): ReadonlyArray<RoomEvent> => {
  switch (event._tag) {
    case "OperationStarted":
      return []
    case "OperationLine":
      return [encodeLine(head, event.timestamp, event.stream, event.text)]
    case "OperationProgress": {
      const resource = resourceOf(event)
      const data: Wire.DockerProgressMessage["data"] = {
        ...operationData(event),
        id: event.id,
        status: event.status,
        ...(event.current === undefined ? {} : { current: event.current }),
        ...(event.total === undefined ? {} : { total: event.total }),
        ...(event.fraction === undefined ? {} : { fraction: event.fraction }),
        ...(resource === undefined ? {} : { resource }),
        timestamp: event.timestamp
      }
      const item = { run: event.logId, id: event.id }
      return [{ event: "docker_progress", item, json: JSON.stringify(data) }]
    }
    case "OperationCompleted":
      return [encodeEnd(event, { success: true, status: "completed" })]
    case "OperationFailed": {
      const { error, failure } = event
      const why = failure === undefined ? { error } : { error, failure: failureData(failure) }
      return [encodeEnd(event, { success: false, status: "failed", ...why })]
    }
    case "OperationInterrupted": {
      const end = encodeEnd(event, { success: false, status: "interrupted" })
      return event.detail === undefined ? [end] : [encodeLine(head, event.timestamp, "system", event.detail), end]
    }
  }
}

/**
 * Encodes an event of a run, whose place in the history of operations is `order`. `OperationStarted` has no message of its own.
 * What an interrupted run has left behind is a line before its end, which has no place for it.
 */
export const operationEvents = (
  event: OperationEvent,
  head: LineHead,
  order: number | undefined
): ReadonlyArray<RoomEvent> => {
  const encoded = encodeOperation(event, head)
  const last = encoded.at(-1)
  return order === undefined || last === undefined ? encoded : [...encoded.slice(0, -1), { ...last, order }]
}
