/** Log events as what rooms hold: which rooms an event belongs to, and its JSON. */
import type { LogLine, LogMark, OperationEvent, OperationTarget } from "@dockwire/core/LogEvent"
import type { LineHead, RingEvent } from "./Ring.js"
import * as Wire from "../Wire.js"

const head = (data: object): LineHead => ({ json: JSON.stringify(data).slice(0, -1) })

/** What a container's lines share on the wire. */
export const containerHead = (containerId: string, name: string): LineHead =>
  head({
    container_id: containerId,
    name,
    operation_type: "container_logs",
    status: "running"
  } satisfies Wire.ContainerLogData)

/** JSON of a container's line as it stands in `lines`. */
export const containerLine = (line: LogLine): string => {
  const wire: Wire.WireLine =
    line.part === undefined
      ? [line.timestamp, line.stream, line.text]
      : [line.timestamp, line.stream, line.text, { index: line.part.index, last: line.part.last }]
  return JSON.stringify(wire)
}

const markData = (mark: Exclude<LogMark, { mark: "gap" }>): Wire.ContainerLogMark["data"] => {
  const base = { container_id: mark.containerId, timestamp: mark.timestamp }
  switch (mark.mark) {
    case "stopped":
      return { ...base, mark: "stopped", ...(mark.exitCode === undefined ? {} : { exit_code: mark.exitCode }) }
    case "engine_error":
      return { ...base, mark: "engine_error", message: mark.message }
    case "started":
    case "removed":
      return { ...base, mark: mark.mark }
  }
}

/** A mark of a container's log as an event of its room. A gap in the log is a `gap`, any other a `container_log_mark`. */
export const containerMark = (mark: LogMark): RingEvent => {
  if (mark.mark !== "gap") return { event: "container_log_mark", json: JSON.stringify(markData(mark)) }
  const data: Wire.Gap["data"] = {
    room: Wire.containerLogsRoom(mark.containerId),
    from: mark.from,
    to: mark.to,
    reason: mark.reason
  }
  return { event: "gap", json: JSON.stringify(data) }
}

/** A container of the same name was made after this one was removed. */
export const recreatedMark = (containerId: string, timestamp: string): RingEvent => {
  const data: Wire.ContainerLogMark["data"] = { container_id: containerId, mark: "recreated", timestamp }
  return { event: "container_log_mark", json: JSON.stringify(data) }
}

/** The rooms of a run: all operations, its own, and those of what it works on. */
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

/** What a run's lines share on the wire. */
export const operationHead = (event: OperationEvent): LineHead =>
  head({ ...operationData(event), status: "running" } satisfies Wire.OperationLogData)

const complete = (
  event: OperationEvent,
  end: { readonly success: boolean; readonly status: Wire.OperationEnd; readonly error?: string }
): RingEvent => {
  const data: Wire.DockerLogComplete["data"] = { ...operationData(event), ...end, timestamp: event.timestamp }
  return { event: "docker_log_complete", json: JSON.stringify(data) }
}

/** A run's event as an event of its rooms; `undefined` for `OperationStarted`, which is told by the first line. */
export const operationEvent = (event: OperationEvent, lineHead: LineHead): RingEvent | undefined => {
  switch (event._tag) {
    case "OperationStarted":
      return undefined
    case "OperationLine": {
      const line: Wire.WireLine = [event.timestamp, event.stream, event.text]
      return { event: "docker_log", head: lineHead, json: JSON.stringify(line) }
    }
    case "OperationProgress": {
      const data: Wire.DockerProgress["data"] = {
        ...operationData(event),
        id: event.id,
        status: event.status,
        ...(event.current === undefined ? {} : { current: event.current }),
        ...(event.total === undefined ? {} : { total: event.total }),
        timestamp: event.timestamp
      }
      return { event: "docker_progress", json: JSON.stringify(data) }
    }
    case "OperationCompleted":
      return complete(event, { success: true, status: "completed" })
    case "OperationFailed":
      return complete(event, { success: false, status: "failed", error: event.error })
    case "OperationInterrupted":
      return complete(event, { success: false, status: "interrupted" })
  }
}
