import * as Effect from "effect/Effect"
import { type IncomingMessage, request } from "node:http"
import type { Socket } from "node:net"
import { TransferError } from "./transferError.js"

/** The size that a compose file may have, in bytes. */
export const maxFileSize = 1024 * 1024

/** A response, with the body of a 200. */
export interface Transferred {
  readonly status: number
  readonly location: string | undefined
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** When the server sent the response, by its own clock. */
  readonly date: string | undefined
  readonly body: Uint8Array
}

const tooLarge = (): TransferError => new TransferError("TooLarge", `the server sends more than ${maxFileSize} bytes`)

/** Why the body of a response is not read. */
const objection = ({ headers }: IncomingMessage): TransferError | undefined => {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? ""
  if (encoding !== "" && encoding !== "identity")
    return new TransferError(
      "BadResponse",
      `the content is encoded as ${encoding.slice(0, 50)}, which was not asked for`
    )
  return Number(headers["content-length"] ?? 0) > maxFileSize ? tooLarge() : undefined
}

/** What a request ended with before its response was complete. A parser has its own codes. */
const requestError = (error: Error): TransferError => {
  if (error instanceof TransferError) return error
  const isParser = "code" in error && typeof error.code === "string" && error.code.startsWith("HPE_")
  return new TransferError(isParser ? "BadResponse" : "Lost", error.message)
}

/** Sends a GET request over a connection that is used for nothing else, and reads the response. */
export const transfer = (
  socket: Socket,
  url: URL,
  headers: Readonly<Record<string, string>>
): Effect.Effect<Transferred, TransferError> =>
  Effect.async<Transferred, TransferError>((resume) => {
    const sent = request({
      createConnection: () => socket,
      method: "GET",
      path: `${url.pathname}${url.search}`,
      setHost: false,
      headers: { Host: url.host, Connection: "close", ...headers }
    })
    const fail = (error: Error) => {
      resume(Effect.fail(requestError(error)))
      sent.destroy()
    }
    sent.on("error", fail)
    sent.once("response", (response) => {
      const { statusCode: status = 0 } = response
      const chunks: Array<Uint8Array> = []
      const succeed = () => {
        const { date, etag, location, "last-modified": lastModified } = response.headers
        resume(Effect.succeed({ status, location, etag, lastModified, date, body: Buffer.concat(chunks) }))
      }
      response.on("error", fail)
      // Only that of a 200 is the file.
      if (status !== 200) return succeed()
      const refusal = objection(response)
      if (refusal !== undefined) return fail(refusal)
      let size = 0
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size > maxFileSize) fail(tooLarge())
        else chunks.push(chunk)
      })
      // Bytes behind the announced length arrive as an error right after this.
      response.once("end", () => setImmediate(() => (response.complete ? succeed() : fail(new Error("aborted")))))
    })
    sent.end()
    return Effect.sync(() => sent.destroy())
  })
