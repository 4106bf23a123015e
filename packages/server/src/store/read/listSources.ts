/** Lists what is kept. */
import { timestampOf } from "../block/recordTime.js"
import type { LogSource, LogSourceKey } from "../LogRecord.js"
import { type Connection, numberOf, type SqlValue } from "../database/driver.js"
import type { Units } from "./Units.js"

const parseKey = (text: string): LogSourceKey => {
  const parsed: unknown = JSON.parse(text)
  const key = { engine: "", name: "", ...(typeof parsed === "object" ? parsed : {}) }
  const project = "project" in key && typeof key.project === "string" ? { project: key.project } : {}
  return { engine: key.engine, name: key.name, ...project }
}

const timesOf = (least: SqlValue | undefined, most: SqlValue | undefined) =>
  typeof least === "number" && typeof most === "number"
    ? { oldest: timestampOf(least, 0), newest: timestampOf(most, 0) }
    : {}

export const listSources = (connection: Connection, units: Units): ReadonlyArray<LogSource> => {
  const sums = new Map(
    connection
      .prepare(
        `SELECT source, SUM(count), SUM(bytes), MIN(min_s), MAX(max_s) FROM (SELECT source, count, bytes, min_s, max_s
        FROM blocks UNION ALL SELECT source, count, bytes, min_s, max_s FROM tails) GROUP BY source`
      )
      .rows()
      .map(([source, ...sum]) => [numberOf(source), sum])
  )
  const generations = units.generations()
  return units.sources().map(({ id, key, name }) => {
    const [records, bytes, least, most] = sums.get(id) ?? []
    return {
      ...parseKey(key),
      id: name,
      records: numberOf(records),
      bytes: numberOf(bytes),
      ...timesOf(least, most),
      generations: generations
        .filter(({ source }) => source === id)
        .map(({ container, keyNanos, keySeconds, name: containerName, number }) => ({
          containerId: container,
          containerName,
          lastNumber: number,
          lastTimestamp: timestampOf(Math.max(keySeconds, 0), keyNanos)
        }))
    }
  })
}
