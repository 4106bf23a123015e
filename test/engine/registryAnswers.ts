/** Which requests of a repository are meant. An upload is that of a layer; `all` includes requests for `/v2/`. */
export type RegistryPart = "manifest" | "blob" | "upload" | "token" | "all"

/** A response that a registry gives instead of what was asked for. */
export interface RegistryAnswer {
  readonly on: ReadonlyArray<RegistryPart>
  readonly status: number
  /** Of blobs, only of those with at least this many bytes in the registry in memory. */
  readonly atLeast?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

const everything: ReadonlyArray<RegistryPart> = ["manifest", "blob", "upload"]

/** An error as the registry protocol has it. */
const error = (
  status: number,
  code: string,
  message: string,
  on: ReadonlyArray<RegistryPart> = everything
): RegistryAnswer => ({
  on,
  status,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ errors: [{ code, message }] })
})

const page = (status: number, text: string, on: ReadonlyArray<RegistryPart> = everything): RegistryAnswer => ({
  on,
  status,
  headers: { "Content-Type": "text/html" },
  body: `<html><body><h1>${text}</h1></body></html>`
})

const hubLimit = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
const hubOldLimit =
  "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit"

/** What registries answer when they refuse. The words are those of the registries that the names mention. */
export const registryAnswers = {
  basicChallenge: {
    ...error(401, "UNAUTHORIZED", "authentication required"),
    headers: { "Content-Type": "application/json", "WWW-Authenticate": 'Basic realm="tests"' }
  },
  unauthorized: error(401, "UNAUTHORIZED", "authentication required"),
  ghcrUnauthorized: error(401, "UNAUTHORIZED", "unauthorized"),
  acrUnauthorized: error(
    401,
    "UNAUTHORIZED",
    '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization for more information."}]}'
  ),
  hubDenied: error(403, "DENIED", "requested access to the resource is denied"),
  ghcrDenied: error(403, "DENIED", "denied"),
  gitLabDenied: error(403, "DENIED", "access forbidden"),
  ecrExpired: error(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."),
  forbidden: page(403, "Forbidden"),
  tokenForbidden: error(403, "DENIED", "requested access to the resource is denied", ["token"]),
  manifestUnknown: error(404, "MANIFEST_UNKNOWN", "manifest unknown", ["manifest"]),
  notFoundPage: page(404, "Not Found", ["manifest", "upload"]),
  nameUnknown: error(404, "NAME_UNKNOWN", "repository name not known to registry"),
  hubRateLimit: error(429, "TOOMANYREQUESTS", hubLimit),
  hubOldRateLimit: error(429, "TOOMANYREQUESTS", hubOldLimit),
  hubBlobRateLimit: error(429, "TOOMANYREQUESTS", hubOldLimit, ["blob", "upload"]),
  tooManyRequests: page(429, "Too Many Requests"),
  serverError: error(500, "UNKNOWN", "unknown error"),
  badGateway: page(502, "Bad Gateway"),
  unavailable: page(503, "Service Unavailable"),
  blobUnavailable: page(503, "Service Unavailable", ["blob", "upload"]),
  blobUnknown: error(404, "BLOB_UNKNOWN", "blob unknown to registry", ["blob"])
} as const satisfies Readonly<Record<string, RegistryAnswer>>
