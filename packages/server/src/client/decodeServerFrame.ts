/**
 * Decodes the frames of a server. What arrives need not come from a Dockwire server of this version, or from one at all, so
 * nothing is taken for granted that a listener or `Subscriptions` relies on.
 */
import type { ServerMessage } from "../Wire.js"

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === "string"
const isSeq = (value: unknown): boolean => Number.isSafeInteger(value)

const optional =
  (test: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || test(value)
const nullable =
  (test: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || value === null || test(value)

const isTextOrNull = nullable(isText)
const isOptionalText = optional(isText)
const isTextOrNumber = (value: unknown): boolean => isText(value) || typeof value === "number"

/** Whether the fields of an object pass their tests. Fields without a test may be anything. */
const hasFields =
  (tests: Readonly<Record<string, (value: unknown) => boolean>>) =>
  (value: unknown): boolean => {
    if (!isObject(value)) return false
    for (const name in tests) if (tests[name]?.(value[name]) !== true) return false
    return true
  }

const isPart = optional(
  hasFields({ index: (index) => typeof index === "number", last: (last) => typeof last === "boolean" })
)

const isLine = (value: unknown): boolean =>
  Array.isArray(value) && isText(value[0]) && isText(value[1]) && isText(value[2]) && isPart(value[3])

const isLines = (value: unknown): boolean => Array.isArray(value) && value.every(isLine)

const operation = {
  log_id: isText,
  operation_type: isText,
  config_id: nullable(isTextOrNumber),
  container_id: isTextOrNull,
  image_name: isTextOrNull
}

/** A message that belongs to a room. */
const roomMessage = (data: (value: unknown) => boolean) =>
  hasFields({ room: isText, seq: optional(isSeq), superseded: optional(isSeq), position: isOptionalText, data })

const isMark = hasFields({
  container_id: isText,
  mark: isText,
  exit_code: optional((code) => typeof code === "number"),
  message: isOptionalText,
  timestamp: isText
})

/** The test of each message. Vocabularies that may grow, such as streams and marks, are any text. */
const tests: { readonly [E in ServerMessage["event"]]: (value: unknown) => boolean } = {
  joined: hasFields({
    room: isText,
    position: isText,
    data: hasFields({
      room: isText,
      canonical: isText,
      epoch: isText,
      seq: isSeq,
      oldest: isSeq,
      recovered: (recovered) => typeof recovered === "boolean"
    })
  }),
  left: hasFields({ data: hasFields({ room: isText }) }),
  gap: roomMessage(
    hasFields({
      room: isText,
      from: nullable(isTextOrNumber),
      to: nullable(isTextOrNumber),
      lines: optional((lines) => typeof lines === "number"),
      reason: isText
    })
  ),
  docker_log: roomMessage(
    hasFields({
      log_id: isOptionalText,
      operation_type: isText,
      config_id: nullable(isTextOrNumber),
      container_id: isTextOrNull,
      image_name: isTextOrNull,
      status: isText,
      lines: isLines
    })
  ),
  docker_progress: roomMessage(hasFields({ ...operation, id: isText, status: isText, timestamp: isText })),
  docker_log_complete: roomMessage(
    hasFields({
      ...operation,
      success: (success) => typeof success === "boolean",
      status: isText,
      error: isOptionalText,
      failure: optional(isObject),
      timestamp: isText
    })
  ),
  container_log_mark: roomMessage(
    (data) => isMark(data) && isObject(data) && (data["mark"] !== "engine_error" || isText(data["message"]))
  ),
  container_stats: roomMessage(hasFields({ container_id: isText, stats: isObject, timestamp: isText })),
  container_status_change: hasFields({
    data: hasFields({
      container_id: isText,
      name: isText,
      status: isText,
      action: isText,
      success: (success) => typeof success === "boolean",
      error: isOptionalText,
      timestamp: isText
    })
  }),
  engine_status: hasFields({
    data: hasFields({
      available: (available) => typeof available === "boolean",
      endpoint: isText,
      reason: isOptionalText,
      version: isOptionalText,
      demo: isOptionalText,
      timestamp: isText
    })
  }),
  status: hasFields({ data: hasFields({ msg: isText }) }),
  error: hasFields({ data: hasFields({ code: isText, message: isText, about: isOptionalText }) })
}

const isKnownEvent = (event: string): event is ServerMessage["event"] => Object.hasOwn(tests, event)

const isMessage = (value: Fields, event: ServerMessage["event"]): value is Fields & ServerMessage => tests[event](value)

/** The content of a frame. */
export interface DecodedFrame {
  /** Without the events of later versions. */
  readonly messages: ReadonlyArray<ServerMessage>
  /** Whether something in it is not a message. */
  readonly malformed: boolean
  /** Whether it is empty. */
  readonly heartbeat: boolean
}

const parse = (data: unknown): unknown => {
  if (typeof data !== "string") return undefined
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

/** Decodes one frame: an array of messages as JSON. */
export const decodeServerFrame = (data: unknown): DecodedFrame => {
  const frame = parse(data)
  if (!Array.isArray(frame)) return { messages: [], malformed: true, heartbeat: false }
  const messages: Array<ServerMessage> = []
  let malformed = false
  for (const value of frame) {
    const event: unknown = isObject(value) ? value["event"] : undefined
    if (!isObject(value) || !isText(event)) malformed = true
    else if (isKnownEvent(event)) {
      if (isMessage(value, event)) messages.push(value)
      else malformed = true
    }
  }
  return { messages, malformed, heartbeat: frame.length === 0 }
}
