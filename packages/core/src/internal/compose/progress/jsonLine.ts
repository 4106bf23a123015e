import { isRecord } from "effect/Predicate"
import { type ComposeEvent, composeEvent, isVerb, resourceOf } from "./composeEvent.js"

/** What a line of `--progress json` is. */
export type JsonLine =
  | { readonly _tag: "Event"; readonly event: ComposeEvent }
  /** Why the command failed. */
  | { readonly _tag: "Failure"; readonly message: string }
  | { readonly _tag: "Text"; readonly text: string }
  /** An object of BuildKit, about the steps of a build. */
  | { readonly _tag: "Build"; readonly record: Readonly<Record<PropertyKey, unknown>> }

/** The states of version 5, which stand where earlier versions have a verb. */
const states = new Set(["Working", "Done", "Warning", "Error"])

const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "")
const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined

const isBar = (text: string): boolean => /^\[[=> ]*\]/.test(text)

const eventOf = (record: Readonly<Record<PropertyKey, unknown>>, id: string): ComposeEvent => {
  const resource = resourceOf(id, textOf(record["parent_id"]))
  const [status, text, details] = [textOf(record["status"]), textOf(record["text"]), textOf(record["details"])]
  const [current, total] = [numberOf(record["current"]), numberOf(record["total"])]
  const amounts = {
    ...(current === undefined ? {} : { current }),
    // It is 0 as long as it is not known.
    ...(total === undefined || total === 0 ? {} : { total })
  }
  // The details of a layer are its size.
  const wordsOf = (message: string) => (isBar(message) || current !== undefined ? "" : message)
  if (text === "") return composeEvent(resource, status, wordsOf(details), amounts)
  if (!states.has(status)) return composeEvent(resource, text, wordsOf(status === "" ? details : status), amounts)
  return isVerb(text) || text.startsWith("Skipped") || status === "Working" || status === "Done"
    ? composeEvent(resource, text, wordsOf(details), amounts)
    : composeEvent(resource, status, details === "" ? text : `${text}: ${details}`, amounts)
}

/** Reads a line of `--progress json`. `undefined` if it is not such a line. */
export const jsonLine = (line: string): JsonLine | undefined => {
  if (!line.startsWith("{")) return undefined
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isRecord(record)) return undefined
  if (record["error"] === true) return { _tag: "Failure", message: textOf(record["message"]) }
  if (record["tail"] === true) return { _tag: "Text", text: textOf(record["text"]) }
  if (typeof record["level"] === "string" && typeof record["msg"] === "string") {
    return { _tag: "Text", text: `${record["level"]}: ${record["msg"]}` }
  }
  const id = textOf(record["id"])
  // Version 5 calls all resources of a project together so.
  if (id === "Compose") return { _tag: "Text", text: `${textOf(record["text"])} ${textOf(record["details"])}`.trim() }
  if (id !== "" && (textOf(record["status"]) !== "" || textOf(record["text"]) !== "")) {
    return { _tag: "Event", event: eventOf(record, id) }
  }
  const isBuild = ["vertexes", "statuses", "logs", "warnings"].some((name) => Array.isArray(record[name]))
  return isBuild ? { _tag: "Build", record } : undefined
}
