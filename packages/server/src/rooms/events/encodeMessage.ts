/** Encodes messages of a room as JSON from data that is JSON already. */
import type { LineHead, RoomEvent } from "./RoomEvent.js"

const envelope = (event: string, room: string, seq: number | undefined, position: string): string =>
  `{"event":"${event}","room":${JSON.stringify(room)},${seq === undefined ? "" : `"seq":${seq},`}"position":` +
  `${JSON.stringify(position)},"data":`

/**
 * Encodes a `docker_log` message. `lines` are JSON, `seq` is that of the first line: leave it out for lines that are sent to
 * one viewer only.
 */
export const encodeLines = (
  room: string,
  seq: number | undefined,
  position: string,
  head: LineHead,
  lines: ReadonlyArray<string>
): string => `${envelope("docker_log", room, seq, position)}${head.json},"lines":[${lines.join(",")}]}}`

/** Encodes any other message. Leave `seq` out for an event that is sent to one viewer only. */
export const encodeEvent = (room: string, seq: number | undefined, position: string, event: RoomEvent): string =>
  `${envelope(event.event, room, seq, position)}${event.json}}`
