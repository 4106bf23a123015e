import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { type InvalidRequest, RegistryError } from "../../../DockerError.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { registryAuthHeader } from "../../registry/authHeader.js"
import { type ImageReference, parseImageReference } from "../../registry/imageReference.js"
import type { RegistryTask } from "../../registry/registryFailure.js"

/** What a pull and a push need to know before they start. */
interface PreparedTransfer {
  readonly reference: ImageReference
  readonly task: RegistryTask
  readonly headers: { readonly "X-Registry-Auth": Redacted.Redacted }
}

/** Parses the reference, and finds the credentials for its registry and no other. */
export const prepareTransfer = (
  auth: RegistryAuthShape,
  image: string
): Effect.Effect<PreparedTransfer, InvalidRequest | RegistryError> =>
  Effect.gen(function* () {
    const reference = yield* parseImageReference(image)
    const { registry } = reference
    const found = yield* Effect.mapError(
      auth.find(registry),
      ({ credentials, detail, reason }) => new RegistryError({ registry, image, reason, credentials, detail })
    )
    return {
      reference,
      task: { image, registry, credentials: found?.source ?? "none" },
      headers: { "X-Registry-Auth": registryAuthHeader(found, registry) }
    }
  })

/** The line that the docker command prints first if the reference has neither a tag nor a digest. */
export const defaultTagLines = (image: string): ReadonlyArray<string> =>
  /[:@]/.test(image.slice(image.lastIndexOf("/") + 1)) ? [] : ["Using default tag: latest"]
