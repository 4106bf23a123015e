/** Responses that last as long as their credential. */
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Authenticated, AuthShape } from "../../access/Auth.js"

/** Ends the response, if it is a stream, when the credential is no longer valid. */
export const endWith = (
  auth: AuthShape,
  authenticated: Authenticated,
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  if (body._tag !== "Stream") return response
  const ended = Effect.async<void>((resume) => {
    const forget = auth.onEnd(authenticated, () => resume(Effect.void))
    return Effect.sync(forget)
  })
  const stream = Stream.interruptWhen(body.stream, ended)
  return HttpServerResponse.setBody(response, HttpBody.stream(stream, body.contentType, body.contentLength))
}
