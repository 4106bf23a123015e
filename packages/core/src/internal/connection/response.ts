import type { IncomingMessage } from "node:http"
import type { DockerRequest } from "../../Docker.js"
import { EngineError } from "../../DockerError.js"

/** How much of an error response is read. A response that never ends must not be read to its end. */
export const maxErrorBytes = 64 * 1024

const decoder = new TextDecoder()

/** Decodes the chunks of a body as UTF-8. */
export const bodyText = (chunks: ReadonlyArray<Uint8Array>): string =>
  decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))

/** Parses a body as JSON. A body that is not JSON is returned as it is, and an empty one as `undefined`. */
export const parseBody = (text: string): unknown => {
  if (text === "") return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A response's headers by lower-case name. Repeated headers are joined with commas. */
export const responseHeaders = ({ headers }: Pick<IncomingMessage, "headers">): Record<string, string> => {
  const texts: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) texts[name] = typeof value === "string" ? value : value.join(", ")
  }
  return texts
}

/** The engine's message in the body of an error response, `{"message": "..."}`, or the whole body if it has another form. */
export const engineMessage = (text: string): string => {
  const body = parseBody(text)
  const message = typeof body === "object" && body !== null && "message" in body ? body.message : text
  return (typeof message === "string" ? message : text).slice(0, maxErrorBytes).trim()
}

/** The error for a response with this status and body. */
export const engineError = ({ method, path }: DockerRequest, status: number, text: string): EngineError =>
  new EngineError({ request: `${method} ${path}`, status, detail: engineMessage(text) })
