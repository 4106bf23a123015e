/** Operations that are kept in memory only. */
import type { LogEvent } from "@dockwire/core/LogEvent"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { HistoryStatus, OperationFilter, OperationPage } from "../../OperationSummary.js"
import type { OperationOrigin, OperationStoreShape } from "../OperationStore.js"
import { MemoryRun, type MemoryRunLimits } from "./MemoryRun.js"
import { matches, pageLimit } from "../operationFilter.js"

/** How much is kept. */
export interface MemoryOperationLimits extends MemoryRunLimits {
  /** Operations that have ended. */
  readonly ended: number
}

export const defaultMemoryOperationLimits: MemoryOperationLimits = {
  ended: 200,
  lines: 10_000,
  characters: 4 * 1024 * 1024,
  items: 2_000
}

const notKept: HistoryStatus = {
  available: false,
  reason: "Operations are kept in memory only, until the server ends."
}

const batchLines = 1_000

/** Keeps the last operations and their last lines. */
export const memoryOperationStore = (
  limits: MemoryOperationLimits = defaultMemoryOperationLimits
): OperationStoreShape => {
  /** By log id, the oldest first. */
  const runs = new Map<string, MemoryRun>()
  const origins = new Map<string, OperationOrigin>()
  let ended = 0

  const add = (event: LogEvent): void => {
    if (event._tag === "LogLine" || event._tag === "LogMark") return
    const run = runs.get(event.logId) ?? new MemoryRun(event, origins.get(event.logId) ?? { targets: [] }, limits)
    if (!runs.has(event.logId)) {
      runs.set(event.logId, run)
      origins.delete(event.logId)
    }
    const hadEnded = run.hasEnded
    run.add(event)
    if (hadEnded || !run.hasEnded) return
    ended++
    for (const [logId, old] of runs) {
      if (ended <= limits.ended) return
      if (!old.hasEnded) continue
      runs.delete(logId)
      ended--
    }
  }

  const list = (filter: OperationFilter): OperationPage => {
    const limit = pageLimit(filter)
    const found = [...runs.values()]
      .toReversed()
      .map((run) => run.summary)
      .filter((summary) => matches(filter, summary))
    const after = filter.cursor === undefined ? 0 : found.findIndex(({ log_id }) => log_id === filter.cursor) + 1
    const operations = found.slice(after, after + limit)
    const last = operations.at(-1)
    return {
      operations,
      history: notKept,
      ...(last === undefined || found.length <= after + limit ? {} : { next: last.log_id })
    }
  }

  return {
    sink: {
      offer: (events) => {
        for (const event of events) add(event)
      },
      flush: Effect.void
    },
    originate: (origin) => {
      origins.set(origin.logId, origin)
    },
    setWaiting: (logId, waiting) => {
      const run = runs.get(logId)
      if (run !== undefined && !run.hasEnded) run.status = waiting ? "waiting" : "running"
    },
    status: () => notKept,
    opened: Effect.void,
    isOpening: () => false,
    statusChanges: Stream.make(notKept),
    unfinished: Stream.empty,
    keysSince: () => Effect.succeed([]),
    list: (filter) => Effect.sync(() => list(filter)),
    get: (logId) => Effect.sync(() => Option.map(Option.fromNullable(runs.get(logId)), (run) => run.details)),
    lines: (logId, after) =>
      Stream.paginate(after, (from) => {
        const lines = runs.get(logId)?.linesAfter(from, batchLines) ?? []
        const last = lines.at(-1)
        return [lines, last === undefined || lines.length < batchLines ? Option.none() : Option.some(last.seq)]
      })
  }
}
