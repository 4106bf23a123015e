/** Encodes messages of a room as JSON from data that is JSON already. */
import type { LineHead, RoomEvent } from "./RoomEvent.js"

/** The number of a message in its room. */
export interface MessageNumber {
  readonly seq: number
  /** How many events directly before it are not sent, because later ones replace them. */
  readonly superseded: number
}

const numbers = (number: MessageNumber | undefined): string =>
  number === undefined
    ? ""
    : number.superseded === 0
      ? `"seq":${number.seq},`
      : `"seq":${number.seq},"superseded":${number.superseded},`

const envelope = (event: string, room: string, number: MessageNumber | undefined, position: string): string =>
  `{"event":"${event}","room":${JSON.stringify(room)},${numbers(number)}"position":${JSON.stringify(position)},"data":`

/**
 * Encodes a `docker_log` message. `lines` are JSON, `number` is that of the first line: leave it out for lines that are sent to
 * one viewer only.
 */
export const encodeLines = (
  room: string,
  number: MessageNumber | undefined,
  position: string,
  head: LineHead,
  lines: ReadonlyArray<string>
): string => `${envelope("docker_log", room, number, position)}${head.json},"lines":[${lines.join(",")}]}}`

/** Encodes any other message. Leave `number` out for an event that is sent to one viewer only. */
export const encodeEvent = (
  room: string,
  number: MessageNumber | undefined,
  position: string,
  event: RoomEvent
): string => `${envelope(event.event, room, number, position)}${event.json}}`
