/** A container's log driver and its options, as the engine reports them. */
export interface LogConfig {
  readonly Type?: string | undefined
  readonly Config?: Readonly<Record<string, string>> | null | undefined
}

const units = ["", "k", "m", "g", "t", "p"]

/** Parses a size such as `10m`, with units of 1000: an engine that reads them as 1024 has larger files. */
const parseSize = (text: string): number => {
  const parts = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text)
  return parts === null ? 0 : Number(parts[1]) * 1000 ** units.indexOf((parts[2] ?? "").toLowerCase())
}

const sizeOption = (text: string | undefined, otherwise: string | undefined): number | undefined => {
  const size = text ?? otherwise
  return size === undefined || size.startsWith("-") ? undefined : parseSize(size)
}

/** Drivers whose log the engine does not keep in files of its own. `none` can't be read. */
const withoutFiles = ["", "none", "journald", "k8s-file", "passthrough", "passthrough-tty"]

/**
 * The bytes that a log file has at least when the engine replaces it with a new one: 0 if they are unknown, `undefined` if
 * the engine never does, so that a follow sees the whole log.
 */
export const rotationSize = ({ Config, Type = "" }: LogConfig): number | undefined => {
  if (Type === "json-file") return sizeOption(Config?.["max-size"], undefined)
  if (Type === "local") return sizeOption(Config?.["max-size"], "20m")
  if (withoutFiles.includes(Type)) return Config?.["max-size"] === undefined ? undefined : 0
  // The engine keeps what it sends elsewhere in a cache, which has the format of the driver `local`.
  return sizeOption(Config?.["cache-max-size"], "20m")
}

/** The files of a log, as far as they are needed to know which record is in which file. */
export interface LogFiles {
  /** The engine replaces a file once it has as many bytes. */
  readonly size: number
  readonly maxFiles: number
}

/** The options that don't add anything to the records. */
const plainOptions = ["max-size", "max-file", "compress"]

/**
 * The files of a log; `undefined` if the sizes of its records in them are not known, or if the engine has to decompress the
 * older ones to read any of them.
 */
export const logFiles = ({ Config, Type }: LogConfig): LogFiles | undefined => {
  const options = Config ?? {}
  const isPlain = Object.keys(options).every((option) => plainOptions.includes(option))
  if (Type !== "json-file" || !isPlain || options["compress"] === "true") return undefined
  const size = Math.floor(parseSize(options["max-size"] ?? ""))
  const maxFiles = Number(options["max-file"] ?? 1)
  return size > 0 && maxFiles > 0 ? { size, maxFiles } : undefined
}
