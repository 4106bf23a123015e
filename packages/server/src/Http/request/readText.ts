/** Reads the body of a request up to a limit. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"

/**
 * The body as text; `undefined` if it is longer than `limit` bytes. Then the rest is not read here, and the connection stays
 * open for the response: Node reads the rest and drops it.
 */
export const readText = (
  request: HttpServerRequest.HttpServerRequest,
  limit: number
): Effect.Effect<string | undefined> =>
  Effect.async((resume) => {
    const incoming = NodeHttpServerRequest.toIncomingMessage(request)
    const chunks: Array<Buffer> = []
    let size = 0
    const finish = (result: Effect.Effect<string | undefined>) => {
      incoming.off("data", take).off("end", end).off("close", gone)
      resume(result)
    }
    const take = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size <= limit) return
      incoming.pause()
      finish(Effect.succeed(undefined))
    }
    const end = () => finish(Effect.succeed(Buffer.concat(chunks).toString("utf8")))
    // Nobody is there for the response.
    const gone = () => finish(Effect.interrupt)
    // Without a listener, an error would end the process. "close" follows.
    incoming.on("error", () => {})
    incoming.on("data", take).once("end", end).once("close", gone)
    return Effect.sync(() => incoming.off("data", take).off("end", end).off("close", gone))
  })
