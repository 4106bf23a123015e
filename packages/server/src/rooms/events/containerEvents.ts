/** Encodes a container's log lines and marks as events of its room. */
import type { LogLine, LogMark } from "@dockwire/core/LogEvent"
import { LogPosition } from "@dockwire/core/LogPosition"
import * as Wire from "../../Wire.js"
import type { LineHead, RoomEvent } from "./RoomEvent.js"

/** The head of a container's lines. */
export const containerHead = (containerId: string, name: string): LineHead => {
  const data: Wire.ContainerLogData = {
    container_id: containerId,
    name,
    operation_type: "container_logs",
    status: "running"
  }
  return { json: JSON.stringify(data).slice(0, -1) }
}

/** Encodes a line as JSON of its `WireLine`. */
export const containerLine = (line: LogLine): string => {
  const wire: Wire.WireLine =
    line.part === undefined
      ? [line.timestamp, line.stream, line.text]
      : [line.timestamp, line.stream, line.text, { index: line.part.index, last: line.part.last }]
  return JSON.stringify(wire)
}

const markData = (mark: Exclude<LogMark, { mark: "gap" }>): Wire.ContainerLogMarkMessage["data"] => {
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

/** Encodes a mark: a gap as `gap`, any other mark as `container_log_mark`. */
export const containerMark = (mark: LogMark): RoomEvent => {
  if (mark.mark !== "gap") return { event: "container_log_mark", json: JSON.stringify(markData(mark)) }
  const data: Wire.GapMessage["data"] = {
    room: Wire.containerLogsRoom(mark.containerId),
    from: mark.from,
    to: mark.to,
    reason: mark.reason
  }
  return { event: "gap", json: JSON.stringify(data) }
}

/** The mark for a removed container whose name was given to a new container. */
export const recreatedMark = (containerId: string, timestamp: string): RoomEvent => {
  const data: Wire.ContainerLogMarkMessage["data"] = { container_id: containerId, mark: "recreated", timestamp }
  return { event: "container_log_mark", json: JSON.stringify(data) }
}

/** Whether the element has its position in the engine's log. */
export const hasPosition = <A extends object>(element: A): element is A & { readonly position: LogPosition } =>
  "position" in element && element.position instanceof LogPosition

/** Encodes a line or a mark, with its position in the engine's log if it has one. */
export const containerEvent = (element: LogLine | LogMark, head: LineHead): RoomEvent => {
  const event =
    element._tag === "LogMark" ? containerMark(element) : { event: "docker_log", head, json: containerLine(element) }
  return hasPosition(element) ? { ...event, logPosition: element.position } : event
}
