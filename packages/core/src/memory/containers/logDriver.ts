import * as Either from "effect/Either"
import type { LogLimits } from "../state/logs/containerLog.js"
import type { LogRecord } from "../state/logs/logRecord.js"
import type { ContainerSettings } from "../state/containerSettings.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { rfc3339Nano } from "../time/timestamps.js"

type LogSettings = Pick<ContainerSettings, "logDriver" | "logOptions">

const drivers = ["awslogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "none", "splunk", "syslog"]
const sizeOptions = ["max-size", "max-file", "compress"]
const optionsOf: Record<string, ReadonlyArray<string>> = {
  "json-file": [...sizeOptions, "labels", "labels-regex", "env", "env-regex", "tag"],
  local: sizeOptions
}

/** Refuses unknown log drivers and options, as the engine does when a container is created. */
export const validateLogDriver = ({ logDriver, logOptions }: LogSettings): Either.Either<void, ErrorResponse> => {
  if (!drivers.includes(logDriver)) {
    return Either.left(
      errorResponse(400, `error looking up logging plugin ${logDriver}: plugin "${logDriver}" not found`)
    )
  }
  const known = optionsOf[logDriver]
  const unknown = known === undefined ? undefined : Object.keys(logOptions).find((key) => !known.includes(key))
  return unknown === undefined
    ? Either.void
    : Either.left(errorResponse(400, `unknown log opt '${unknown}' for ${logDriver} log driver`))
}

const units = ["", "k", "m", "g", "t", "p"]

/** Parses a size such as `10m`. The engine reads log sizes in powers of 1000. */
const parseSize = (text: string): number | undefined => {
  const parts = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text)
  return parts === null ? undefined : Number(parts[1]) * 1000 ** units.indexOf((parts[2] ?? "").toLowerCase())
}

const jsonRecordSize = ({ bytes, nanos, stream }: LogRecord): number => {
  const text = Buffer.from(bytes).toString("utf8")
  const entry = JSON.stringify({ log: text, stream, time: rfc3339Nano(nanos) })
  // Go escapes these characters as \u003c and so on.
  return Buffer.byteLength(entry) + 1 + 5 * (text.match(/[<>&]/g)?.length ?? 0)
}

/** An estimate: the record's frame, timestamp and stream name. */
const localRecordSize = ({ bytes }: LogRecord): number => bytes.length + 32

/**
 * How much of its log a container keeps; `undefined` for all of it. Left is the engine's error for invalid options, which it
 * only reports when the container starts.
 */
export const logLimits = ({ logDriver, logOptions }: LogSettings): Either.Either<LogLimits | undefined, string> => {
  const local = logDriver === "local"
  if (!local && logDriver !== "json-file") return Either.right(undefined)
  const size = logOptions["max-size"] ?? (local ? "20m" : undefined)
  const files = logOptions["max-file"] ?? (local ? "5" : "1")
  const maxSize = size === undefined ? Number.POSITIVE_INFINITY : parseSize(size)
  if (maxSize === undefined) {
    return Either.left(`${local ? `invalid value for max-size: ${size}: ` : ""}invalid size: '${size}'`)
  }
  if (maxSize <= 0) return Either.left("max-size must be a positive number")
  if (!/^[+-]?\d+$/.test(files)) return Either.left(`strconv.Atoi: parsing "${files}": invalid syntax`)
  if (Number(files) < 1) return Either.left("max-file cannot be less than 1")
  return Either.right(
    maxSize === Number.POSITIVE_INFINITY
      ? undefined
      : { maxSize, maxFiles: Number(files), sizeOf: local ? localRecordSize : jsonRecordSize }
  )
}
