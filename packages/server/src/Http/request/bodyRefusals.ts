/** The responses to bodies that an endpoint does not accept. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { BodyTooLarge, UnsupportedContentType } from "../../Api/Errors.js"

/** The 413 response. */
export const tooLarge = (limit: number): HttpServerResponse.HttpServerResponse => {
  const body: typeof BodyTooLarge.Type = {
    _tag: "BodyTooLarge",
    limit,
    message: `The body is longer than ${limit} bytes, which is as much as this endpoint accepts.`
  }
  return HttpServerResponse.unsafeJson(body, { status: 413 })
}

/** The 415 response. */
export const unsupported = (
  contentType: string,
  accepted: ReadonlyArray<string>
): HttpServerResponse.HttpServerResponse => {
  const body: typeof UnsupportedContentType.Type = {
    _tag: "UnsupportedContentType",
    contentType,
    accepted,
    message: `The body has the content type ${JSON.stringify(contentType)}. Send it as ${accepted.join(" or ")}.`
  }
  return HttpServerResponse.unsafeJson(body, { status: 415 })
}

/** The content type of a request without its parameters, in lower case. */
export const contentType = (request: HttpServerRequest.HttpServerRequest, otherwise: string): string =>
  (request.headers["content-type"] ?? otherwise).split(";")[0]?.trim().toLowerCase() ?? otherwise
