import { ImageNotFound, RegistryError, type RegistryFailure } from "../../DockerError.js"

const rules: ReadonlyArray<readonly [RegExp, RegistryFailure | "NotFound"]> = [
  [
    /no match(ing manifest)? for platform|no matching manifest for|does not match the specified platform/,
    "PlatformMismatch"
  ],
  [/toomanyrequests|429 Too Many Requests|rate limit/i, "RateLimited"],
  [/no basic auth credentials|unauthorized|401 Unauthorized|authorization failed/i, "Unauthorized"],
  [/denied|403 Forbidden/i, "Denied"],
  [/manifest unknown|name unknown|not found/i, "NotFound"],
  [/dial tcp|no such host|connection refused|i\/o timeout|TLS handshake/i, "Unreachable"],
  [
    /status: 5\d\d|\b5\d\d (Internal|Bad Gateway|Service|Gateway)|unexpected EOF|short read|verification failed/i,
    "Broken"
  ]
]

/** The error of a base image that could not be pulled; `undefined` if the message is not about a registry. */
export const registryFailure = (
  { credentials, image, registry }: { readonly image: string; readonly registry: string; readonly credentials: string },
  detail: string
): ImageNotFound | RegistryError | undefined => {
  const reason = rules.find(([text]) => text.test(detail))?.[1]
  if (reason === undefined) return undefined
  return reason === "NotFound"
    ? new ImageNotFound({ image, registry, detail })
    : new RegistryError({ image, registry, reason, credentials, detail })
}
