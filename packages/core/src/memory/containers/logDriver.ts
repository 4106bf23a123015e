import * as Either from "effect/Either"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import type { LogLimits, LogRecord } from "../state/containerLog.js"
import type { ContainerSettings } from "../calls/containerConfig.js"

const units = ["", "k", "m", "g", "t", "p"]

/** `10m`, as the engine reads sizes of logs: in thousands. */
const bytes = (text: string): number | undefined => {
  const parts = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text)
  return parts === null ? undefined : Number(parts[1]) * 1000 ** units.indexOf((parts[2] ?? "").toLowerCase())
}

const jsonSize = ({ bytes, nanos, stream }: LogRecord): number => {
  const text = Buffer.from(bytes).toString("utf8")
  const time = nanosTimestamp(nanos).replace(/\.?0+Z$/, "Z")
  const entry = JSON.stringify({ log: text, stream, time })
  // The engine's writer spells these out.
  return Buffer.byteLength(entry) + 1 + 5 * (text.match(/[<>&]/g)?.length ?? 0)
}

/** About: with its frame, its moment and the name of its stream. */
const localSize = ({ bytes }: LogRecord): number => bytes.length + 32

/** How much of a log the driver keeps; `undefined` for all. Left is what the engine says when it can't start the driver. */
export const logLimits = ({
  logDriver,
  logOptions
}: Pick<ContainerSettings, "logDriver" | "logOptions">): Either.Either<LogLimits | undefined, string> => {
  const local = logDriver === "local"
  if (!local && logDriver !== "json-file") return Either.right(undefined)
  const size = logOptions["max-size"] ?? (local ? "20m" : undefined)
  const files = logOptions["max-file"] ?? (local ? "5" : "1")
  const maxSize = size === undefined ? Number.POSITIVE_INFINITY : bytes(size)
  if (maxSize === undefined) {
    return Either.left(`${local ? `invalid value for max-size: ${size}: ` : ""}invalid size: '${size}'`)
  }
  if (maxSize <= 0) return Either.left("max-size must be a positive number")
  if (!/^[+-]?\d+$/.test(files)) return Either.left(`strconv.Atoi: parsing "${files}": invalid syntax`)
  if (Number(files) < 1) return Either.left("max-file cannot be less than 1")
  return Either.right(
    maxSize === Number.POSITIVE_INFINITY
      ? undefined
      : { maxSize, maxFiles: Number(files), sizeOf: local ? localSize : jsonSize }
  )
}
