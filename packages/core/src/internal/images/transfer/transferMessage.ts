import * as Predicate from "effect/Predicate"

/** One message of a pull or a push. Whatever is not of the expected type is left out. */
export interface TransferMessage {
  /** The layer, or the tag of the whole transfer. */
  readonly id: string | undefined
  readonly status: string | undefined
  /** Text that the engine prints as it is. */
  readonly stream: string | undefined
  readonly current: number | undefined
  readonly total: number | undefined
  /** What `current` counts, if not bytes. */
  readonly units: string | undefined
  readonly error: string | undefined
  /** The digest of what was pushed. */
  readonly pushed: string | undefined
}

const at = (value: unknown, name: string): unknown => (Predicate.hasProperty(value, name) ? value[name] : undefined)

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

const count = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined

/** Podman's errors have no details, and those of Docker may have no text beside them. */
const errorOf = (value: unknown): string | undefined => {
  const error = at(value, "error")
  const detail = at(value, "errorDetail")
  return (
    text(at(detail, "message")) ??
    text(error) ??
    // Something is wrong, even if it cannot be read.
    (error == null && detail == null ? undefined : JSON.stringify(error ?? detail))
  )
}

/** Reads a line of the response. A line that is not JSON is text of the engine. */
export const transferMessage = (value: unknown): TransferMessage => {
  const detail = at(value, "progressDetail")
  return {
    id: text(at(value, "id")),
    status: text(at(value, "status")),
    stream: typeof value === "string" ? value : text(at(value, "stream")),
    current: count(at(detail, "current")),
    total: count(at(detail, "total")),
    units: text(at(detail, "units")),
    error: errorOf(value),
    pushed: text(at(at(value, "aux"), "Digest"))
  }
}
