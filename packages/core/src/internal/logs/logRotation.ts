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
