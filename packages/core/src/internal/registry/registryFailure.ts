import { ImageNotFound, RegistryError, type RegistryFailure } from "../../DockerError.js"

/** What an engine was to do with a registry when it failed. */
export interface RegistryTask {
  /** The image reference, as it was passed or as a Dockerfile names it. */
  readonly image: string
  readonly registry: string
  /** Where the credentials that were sent come from; `none` without any. */
  readonly credentials: string
}

/** What a message means. `NoImageHere` is about the engine, which has nothing to push. */
export type RegistryMeaning =
  | Exclude<RegistryFailure, "Stalled" | "CredentialsUnavailable">
  | "NotFound"
  | "NoImageHere"

/**
 * What engines and builders write before the words of a registry, whatever those say: a refusal for any reason. It is left
 * out, so that only the reason counts.
 */
const preamble =
  /(?:pull|push) access denied(?: for \S+)?, repository does not exist or may require (?:'docker login'|authorization): /

/**
 * The error codes of the registry protocol, as engines write them before the words of a registry. The first one counts: what
 * follows it may be any text.
 */
const codes: ReadonlyArray<readonly [code: RegExp, RegistryMeaning]> = [
  // Amazon ECR and others refuse an expired token with the code for a forbidden one.
  [/\bdenied: .*\b(?:token|credentials?|session)\b.*\bexpired\b/i, "Unauthorized"],
  [/\btoomanyrequests\b/i, "RateLimited"],
  [/\bunauthorized: /i, "Unauthorized"],
  [/(?<=^|: )denied\b/im, "Denied"],
  [/\bmanifest unknown\b|\bname unknown\b/i, "NotFound"],
  [/\bblob unknown\b|\bunknown blob\b/i, "Broken"]
]

/** Everything else that engines, builders and registries write. The first row that matches counts. */
const phrases: ReadonlyArray<readonly [phrase: RegExp, RegistryMeaning]> = [
  [
    /does not match the specified platform|was found but its platform|does not provide the specified platform|does not match the expected platform|no matching manifest for|no match for platform in manifest|no image found in (?:manifest list|image index) for/i,
    "PlatformMismatch"
  ],
  [/too many requests|http 429\b|status ?code: 429\b|pull rate limit|rate limit exceeded/i, "RateLimited"],
  [
    /no basic auth credentials|\b401 \(?unauthorized|authentication required|incorrect username or password|invalid username\/password|authentication token (?:is|has) expired|(?:^|: )unauthorized$|status ?code: 401\b|error parsing http 401\b/im,
    "Unauthorized"
  ],
  [
    /\b403 \(?forbidden|status ?code: 403\b|error parsing http 403\b|insufficient_scope|access forbidden|access to the resource is denied|access denied/i,
    "Denied"
  ],
  [/authorization failed/i, "Unauthorized"],
  [
    /dial (?:tcp|unix)|no such host|server misbehaving|connection (?:refused|reset)|network is unreachable|no route to host|i\/o timeout|tls: |tls handshake|x509: |server gave http response|no host in request url|client\.timeout|proxyconnect|\b(?:head|get|post|put|patch) "https?:\S+": (?:context deadline exceeded|eof|unexpected eof)/i,
    "Unreachable"
  ],
  [/^tag does not exist|an image does not exist locally|no such image: |image not known/i, "NoImageHere"],
  // A layer, of which the manifest says that it is there.
  [/\/blobs\/sha256:|could not fetch content descriptor|error fetching blob: /i, "Broken"],
  // Docker 28 passes on an answer that is not in the registry's protocol, such as the page of a server that is no registry.
  [/^unknown: (?:404\b|[<{].*\bnot found\b)/is, "NotFound"],
  [/^unknown: (?:\d{3}\b|[<{])/i, "Broken"],
  [
    /manifest for \S+ not found|[^"\s]: not found$|repository (?:name )?not (?:found|known)|\b404 \(?not found|status ?code: 404\b|error parsing http 404\b/i,
    "NotFound"
  ],
  [
    /status ?code: [45]\d\d\b|failed with status: [45]\d\d\b|invalid status code|did not include a token|unexpected (?:http )?status.*\b[45]\d\d\b|\b50[0-4] \(?(?:internal|not implemented|bad gateway|service|gateway)|layer verification failed|manifest verification failed|short read|unexpected eof|failed size validation|unexpected commit digest|digest (?:did not match|mismatch)|(?:does not|did not|doesn't) match (?:the )?(?:expected )?digest|error parsing http|invalid character|unsupported (?:manifest|media|schema)|download failed after|gzip: |zlib: |archive\/tar|invalid tar|error (?:reading|writing|copying) (?:manifest|blob|layer|config)|(?:reading|writing|copying) (?:manifest|blob|config)|retries? exceeded/i,
    "Broken"
  ]
]

/** Engines since 28 pass on some statuses of the registry as their own. */
const statuses: Readonly<Record<number, RegistryMeaning>> = { 401: "Unauthorized", 403: "Denied", 429: "RateLimited" }

/** What the message of an engine or a builder says about a registry, with its status if it came with one. */
export const registryMeaning = (detail: string, status?: number): RegistryMeaning | undefined => {
  const reason = detail.replace(preamble, "")
  const first = codes
    .flatMap(([code, meaning]) => {
      const index = reason.search(code)
      return index < 0 ? [] : [{ index, meaning }]
    })
    .reduce<{ readonly index: number; readonly meaning: RegistryMeaning } | undefined>(
      (found, next) => (found === undefined || next.index < found.index ? next : found),
      undefined
    )
  if (first !== undefined) return first.meaning
  const phrase = phrases.find(([pattern]) => pattern.test(reason)) ?? phrases.find(([pattern]) => pattern.test(detail))
  return phrase?.[1] ?? (status === undefined ? undefined : statuses[status])
}

/**
 * The error of a pull, a push or a base image that failed, from the message of the engine or the builder and the status, if
 * the message came with one. `undefined` if it is not about a registry or an image.
 */
export const registryFailure = (
  { credentials, image, registry }: RegistryTask,
  detail: string,
  status?: number
): ImageNotFound | RegistryError | undefined => {
  const meaning = registryMeaning(detail.trim(), status)
  switch (meaning) {
    case undefined:
      return undefined
    case "NoImageHere":
      return new ImageNotFound({ image, detail })
    case "NotFound":
      return new ImageNotFound({ image, registry, detail })
    default:
      return new RegistryError({ registry, image, reason: meaning, credentials, detail })
  }
}
