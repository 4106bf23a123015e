/** The row of an operation. */
import { type OperationEvent, OperationFailure, OperationTarget, isOperationEnded } from "@dockwire/core/LogEvent"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { OperationStatus, type OperationSummary } from "../../OperationSummary.js"
import { configRoom, imageRoom, operationRoom } from "../../Wire.js"
import type { OperationOrigin } from "../OperationStore.js"
import type { RunHead } from "./eventBlock.js"

/** The columns of `operations`. */
export interface RunRow {
  readonly log_id: string
  readonly first_order: number
  readonly kind: string
  readonly target: string
  readonly config_room: string | null
  readonly image_room: string | null
  readonly targets: string
  readonly started_by: string | null
  readonly started_at: string
  readonly ended_at: string | null
  readonly status: string
  readonly error: string | null
  readonly failure: string | null
  readonly fraction: number | null
  readonly line_count: number
  readonly byte_count: number
  readonly last_seq: number
  readonly search: string
  readonly idempotency_key: string | null
  readonly idempotency_request: string | null
}

const endStatus = {
  OperationCompleted: "completed",
  OperationFailed: "failed",
  OperationInterrupted: "interrupted"
} as const

const searchText = (...fields: ReadonlyArray<string>): string => fields.join("\n").toLowerCase()

/** The row of a run whose first event this is. */
export const firstRow = (event: OperationEvent, order: number, origin: OperationOrigin | undefined): RunRow => {
  const { kind, logId, target, timestamp } = event
  const targets = origin?.targets ?? []
  return {
    log_id: logId,
    first_order: order,
    kind,
    target: JSON.stringify(target),
    config_room: target.configId === undefined ? null : configRoom(target.configId),
    image_room: target.imageName === undefined ? null : imageRoom(target.imageName),
    targets: JSON.stringify(targets),
    started_by: origin?.startedBy ?? null,
    started_at: timestamp,
    ended_at: null,
    status: "running",
    error: null,
    failure: null,
    fraction: null,
    line_count: 0,
    byte_count: 0,
    last_seq: -1,
    search: searchText(logId, kind, ...targets),
    idempotency_key: origin?.key?.key ?? null,
    idempotency_request: origin?.key?.request ?? null
  }
}

/** The row after further events of the run. */
export const addEvents = (row: RunRow, events: ReadonlyArray<OperationEvent>, bytes: number): RunRow => {
  const next: { -readonly [Key in keyof RunRow]: RunRow[Key] } = { ...row, byte_count: row.byte_count + bytes }
  for (const event of events) {
    next.last_seq = event.seq
    if (event._tag === "OperationLine") next.line_count++
    else if (event._tag === "OperationProgress") next.fraction = event.fraction ?? next.fraction
    else if (isOperationEnded(event)) {
      next.status = endStatus[event._tag]
      next.ended_at = event.timestamp
      if (event._tag !== "OperationFailed") continue
      next.error = event.error
      next.failure = event.failure === undefined ? null : JSON.stringify(event.failure)
      next.search = searchText(row.search, event.error)
    }
  }
  return next
}

const decodeTarget = Schema.decodeUnknownOption(Schema.parseJson(OperationTarget))
const decodeTargets = Schema.decodeUnknownOption(Schema.parseJson(Schema.Array(Schema.String)))
const decodeStatus = Schema.decodeUnknownOption(OperationStatus)
const decodeFailure = Schema.decodeUnknownOption(Schema.parseJson(OperationFailure))

/** What the events of a stored run share. */
export const headOf = (row: Pick<RunRow, "log_id" | "kind" | "target">): RunHead => ({
  logId: row.log_id,
  kind: row.kind,
  target: Option.getOrElse(decodeTarget(row.target), () => ({}))
})

/** The targets of a stored run. */
export const targetsOf = ({ targets }: Pick<RunRow, "targets">): ReadonlyArray<string> =>
  Option.getOrElse(decodeTargets(targets), () => [])

/** A stored run, as a list shows it. */
export const summaryOf = (row: RunRow): OperationSummary => {
  const { target } = headOf(row)
  return {
    log_id: row.log_id,
    room: operationRoom(row.log_id),
    operation_type: row.kind,
    status: Option.getOrElse(decodeStatus(row.status), () => "interrupted" as const),
    targets: targetsOf(row),
    config_id: target.configId ?? null,
    container_id: target.containerId ?? null,
    image_name: target.imageName ?? null,
    ...(row.started_by === null ? {} : { started_by: row.started_by }),
    started_at: row.started_at,
    ...(row.ended_at === null ? {} : { ended_at: row.ended_at }),
    ...(row.error === null ? {} : { error: row.error }),
    lines: Number(row.line_count)
  }
}

/** Why a stored run failed. */
export const failureOf = ({ failure }: RunRow): { readonly failure?: OperationFailure } =>
  failure === null
    ? {}
    : Option.match(decodeFailure(failure), { onNone: () => ({}), onSome: (decoded) => ({ failure: decoded }) })
