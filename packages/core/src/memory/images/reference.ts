import * as Effect from "effect/Effect"
import { type ImageReference, parseImageReference } from "../../internal/registry/imageReference.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

/** Parses a reference, failing as the engine does. */
export const parseReference = (text: string, status = 400): Effect.Effect<ImageReference, ErrorResponse> =>
  Effect.mapError(parseImageReference(text), () => {
    const name =
      (text.includes("/") && /^[^/]*[.:][^/]*\//.test(text) ? text.replace(/^[^/]*\//, "") : text).split(
        /[:@]/,
        1
      )[0] ?? ""
    const path = text.includes("/") ? name : `library/${name}`
    const message = /[A-Z]/.test(name)
      ? `invalid reference format: repository name (${path}) must be lowercase`
      : "invalid reference format"
    return errorResponse(status, message)
  })

/** Parses a reference whose tag or digest is given apart from it. */
export const parseTagged = (name: string, tag: string, status = 400): Effect.Effect<ImageReference, ErrorResponse> =>
  parseReference(tag === "" ? name : `${name}${tag.includes(":") ? "@" : ":"}${tag}`, status)
