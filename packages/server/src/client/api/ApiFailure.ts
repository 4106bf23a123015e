/** Why there is no answer of the API, where the server has not said it itself. */
export interface ApiFailure {
  readonly _tag: "Unreachable" | "TimedOut" | "Aborted" | "UnexpectedResponse"
  /** For people to read. */
  readonly message: string
}

/** The message of an answer that is no error of this API: of a proxy, or of another server. */
const foreignMessage = (status: number, body: unknown): string => {
  for (const field of ["message", "detail", "title"]) {
    const text: unknown = typeof body === "object" && body !== null ? Reflect.get(body, field) : undefined
    if (typeof text === "string" && text !== "") return text
  }
  return `The server responded with HTTP ${status}.`
}

/** The failure for a response with this status and body, JSON or not. */
export const unexpectedResponse = (status: number, body: unknown): ApiFailure => ({
  _tag: "UnexpectedResponse",
  message: foreignMessage(status, body)
})

/** The failure for a request that `fetch` has given up. */
export const requestFailure = (timedOut: boolean, aborted: boolean): ApiFailure => {
  if (timedOut) return { _tag: "TimedOut", message: "The Dockwire server did not answer." }
  if (aborted) return { _tag: "Aborted", message: "The request was cancelled." }
  return { _tag: "Unreachable", message: "Can't reach the Dockwire server." }
}
