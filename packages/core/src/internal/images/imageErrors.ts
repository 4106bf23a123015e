import * as Effect from "effect/Effect"
import { type EngineError, ImageNotFound, InvalidRequest, ResourceInUse } from "../../DockerError.js"

/**
 * The path of an image endpoint. A reference is part of the path with its slashes. Fails without a request if it is empty or
 * would be read as another path.
 */
export const imagePath = (image: string, suffix: string): Effect.Effect<string, ImageNotFound> =>
  /[\p{Surrogate}\p{Cc}]/u.test(image) || image.split("/").some((part) => part === "" || part === "." || part === "..")
    ? Effect.fail(
        new ImageNotFound({ image, detail: "request not sent: this is neither an image reference nor an id" })
      )
    : Effect.succeed(`/images/${image.split("/").map(encodeURIComponent).join("/")}${suffix}`)

/** Rule for every method that operates on one image. A reference that is not valid names no image. */
export const imageNotFound = (image: string, { detail, status }: EngineError): ImageNotFound | undefined =>
  (status === 404 && /no such image|image not known|not found|does not exist|unable to find/i.test(detail)) ||
  /invalid reference format|parsing reference|failed to find image|image not known/i.test(detail)
    ? new ImageNotFound({ image, detail })
    : undefined

/** Rule for removals: a container uses the image, or it has several names. */
export const imageInUse = (image: string, { detail, status }: EngineError): ResourceInUse | undefined =>
  status === 409 || /image is in use|used by .*container|in use by|more than one tag|must be forced/i.test(detail)
    ? new ResourceInUse({ resource: image, detail })
    : undefined

/** Rule for methods whose other arguments can be invalid: the id is a prefix of several ids. */
export const ambiguousImage = (image: string, { detail }: EngineError): InvalidRequest | undefined =>
  /multiple IDs found|ambiguous/i.test(detail)
    ? new InvalidRequest({ field: "image", value: image, detail })
    : undefined
