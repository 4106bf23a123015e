import * as Effect from "effect/Effect"
import type { InvalidRequest } from "../../DockerError.js"
import { familiarRepository, parseImageName } from "../registry/imageReference.js"

/** The query parameters for the name that an image is to get. `field` names the text in the error. */
export const imageTarget = (
  text: string,
  field: string
): Effect.Effect<{ readonly repo: string; readonly tag: string }, InvalidRequest> =>
  Effect.map(parseImageName(text, field), (name) => ({ repo: familiarRepository(name), tag: name.tag }))
