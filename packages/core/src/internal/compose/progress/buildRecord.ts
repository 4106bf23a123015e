import { isRecord } from "effect/Predicate"
import type { StatusResponse } from "../../build/output/statusResponse.js"

type Fields = Readonly<Record<PropertyKey, unknown>>

const text = (fields: Fields, name: string): string => {
  const value = fields[name]
  return typeof value === "string" ? value : ""
}

const number = (fields: Fields, name: string): number => {
  const value = fields[name]
  return typeof value === "number" && Number.isFinite(value) ? value : 0
}

/** Milliseconds since the epoch. Go writes a time that is not set as one in the year 1. */
const time = (fields: Fields, name: string): number | undefined => {
  const millis = Date.parse(text(fields, name))
  return Number.isNaN(millis) || millis <= 0 ? undefined : millis
}

const list = (record: Fields, name: string): ReadonlyArray<Fields> => {
  const value = record[name]
  return Array.isArray(value) ? value.filter(isRecord) : []
}

/** Reads the object in which BuildKit says what has changed in a build. What is not as expected is empty. */
export const buildRecord = (record: Fields): StatusResponse => ({
  vertexes: list(record, "vertexes").map((fields) => ({
    digest: text(fields, "digest"),
    name: text(fields, "name"),
    cached: fields["cached"] === true,
    started: time(fields, "started"),
    completed: time(fields, "completed"),
    error: text(fields, "error")
  })),
  statuses: list(record, "statuses").map((fields) => ({
    id: text(fields, "id"),
    vertex: text(fields, "vertex"),
    name: text(fields, "name") || text(fields, "id"),
    current: number(fields, "current"),
    total: number(fields, "total"),
    isCompleted: time(fields, "completed") !== undefined
  })),
  logs: list(record, "logs").map((fields) => ({
    vertex: text(fields, "vertex"),
    stream: number(fields, "stream") === 2 ? "stderr" : "stdout",
    message: Buffer.from(text(fields, "data"), "base64")
  })),
  warnings: list(record, "warnings").map((fields) => ({
    vertex: text(fields, "vertex"),
    text: Buffer.from(text(fields, "short"), "base64").toString()
  }))
})
