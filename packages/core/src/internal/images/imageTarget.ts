import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../DockerError.js"
import { familiarRepository, parseImageReference } from "../registry/imageReference.js"

/** The query parameters for the name that an image is to get. `field` names the text in the error. */
export const imageTarget = (
  text: string,
  field: string
): Effect.Effect<{ readonly repo: string; readonly tag: string }, InvalidRequest> =>
  Effect.flatMap(parseImageReference(text, field), (reference) => {
    const { digest, tag } = reference
    if (digest !== undefined || tag === undefined) {
      const detail = "an image cannot be given a digest. Leave out the part from the @ on"
      return Effect.fail(new InvalidRequest({ field, value: text, detail }))
    }
    return Effect.succeed({ repo: familiarRepository(reference), tag })
  })
