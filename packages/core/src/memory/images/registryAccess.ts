import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { familiarReference, familiarRepository, type ImageReference } from "../../internal/registry/imageReference.js"
import type { Call } from "../calls/call.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import type { MemoryRegistryFault } from "../state/images/imageSpec.js"
import { hubHost, type MemoryRegistry, type RegistryImage } from "../state/images/registryStore.js"

/** The credentials that came with a request. */
export interface SentCredentials {
  readonly username: string
  readonly password: string
}

const textAt = (value: unknown, key: string): string => {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  return typeof found === "string" ? found : ""
}

/** A header with base64url of JSON. The engine ignores what it cannot read. */
export const encodedHeader = ({ headers }: Call, name: string): unknown => {
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? []
  const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
  if (typeof text !== "string" || text === "") return undefined
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"))
  } catch {
    return undefined
  }
}

/** The credentials in a JSON object; `undefined` if it has none. */
export const sentCredentials = (value: unknown): SentCredentials | undefined => {
  const username = textAt(value, "username")
  const password = textAt(value, "password")
  return username === "" && password === "" ? undefined : { username, password }
}

/** The host that the engine connects to. */
const apiHost = (host: string): string => (host === hubHost ? "registry-1.docker.io" : host)

/** The address of a registry's API. The engine uses plain HTTP on its own machine. */
export const registryUrl = (host: string): string =>
  `${/^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host) ? "http" : "https"}://${apiHost(host)}/v2/`

const unreachable = (host: string): ErrorResponse => {
  const name = apiHost(host).replace(/:\d+$/, "")
  const reason = /^[\d.]+$/.test(name)
    ? `dial tcp ${apiHost(host)}: connect: connection refused`
    : `dial tcp: lookup ${name}: no such host`
  return errorResponse(500, `Get "${registryUrl(host)}": ${reason}`)
}

const accessDenied = (name: string, words: string): ErrorResponse =>
  errorResponse(
    404,
    `pull access denied for ${name}, repository does not exist or may require 'docker login': denied: ${words}`
  )

const defaultDenial = "requested access to the resource is denied"

const rateLimit = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"

/** The engine's error for a fault, when it pulls. `deny` turns the registry's words into that of a denial. */
const faultError = (
  { message, reason }: MemoryRegistryFault,
  host: string,
  deny: (words: string) => ErrorResponse
): Effect.Effect<never, ErrorResponse> => {
  switch (reason) {
    case "Denied":
      return deny(message ?? defaultDenial)
    case "RateLimited":
      return errorResponse(500, `toomanyrequests: ${message ?? rateLimit}`)
    case "Unreachable":
      return unreachable(host)
    case "Broken":
      return errorResponse(500, "received unexpected HTTP status: 503 Service Unavailable")
    case "Stalled":
      return Effect.never
  }
}

/** Connects to a registry. `wanted` is the credentials error without and with wrong credentials. */
const connect = (
  state: EngineState,
  host: string,
  sent: SentCredentials | undefined,
  errors: { readonly missing: string; readonly wrong: string; readonly deny: (words: string) => ErrorResponse }
): Effect.Effect<MemoryRegistry, ErrorResponse> =>
  Effect.gen(function* () {
    const registry = state.registries.get(host)
    if (registry === undefined) return yield* unreachable(host)
    const { spec } = registry
    const fault = state.registries.faults.get(host) ?? spec.fault
    if (fault !== undefined) return yield* faultError(fault, host, errors.deny)
    const { credentials } = spec
    if (credentials !== undefined) {
      if (sent === undefined) return yield* errorResponse(500, errors.missing)
      const isRight = sent.username === credentials.username && sent.password === Redacted.value(credentials.password)
      if (!isRight) return yield* errorResponse(500, errors.wrong)
    }
    return registry
  })

/** Finds an image in its registry. */
export const findRemote = (
  state: EngineState,
  reference: ImageReference,
  sent: SentCredentials | undefined
): Effect.Effect<RegistryImage, ErrorResponse> =>
  Effect.gen(function* () {
    const { registry: host, repository } = reference
    const version = reference.digest ?? reference.tag ?? "latest"
    const request = `Head "${registryUrl(host)}${repository}/manifests/${version}"`
    const deny = (words: string) => accessDenied(familiarRepository(reference), words)
    const registry = yield* connect(state, host, sent, {
      missing: `${request}: no basic auth credentials`,
      wrong: "unauthorized: authentication required",
      deny
    })
    const image = registry.find(repository, version)
    if (image === undefined) {
      const isHidden = host === hubHost && registry.tags(repository).length === 0
      if (isHidden) return yield* deny(defaultDenial)
      const message = `manifest for ${familiarReference(reference)} not found: manifest unknown: manifest unknown`
      return yield* errorResponse(404, message)
    }
    if (image.fault !== undefined) return yield* faultError(image.fault, host, deny)
    return image
  })

/** Connects to a registry to push to it. The engine does not tell missing credentials from wrong ones. */
export const connectToPush = (
  state: EngineState,
  host: string,
  sent: SentCredentials | undefined
): Effect.Effect<MemoryRegistry, ErrorResponse> =>
  connect(state, host, sent, {
    missing: "no basic auth credentials",
    wrong: "no basic auth credentials",
    deny: (words) => errorResponse(500, `denied: ${words}`)
  })

/** Checks credentials with a registry, as `POST /auth` does. */
export const logIn = (
  state: EngineState,
  host: string,
  sent: SentCredentials | undefined
): Effect.Effect<MemoryRegistry, ErrorResponse> => {
  const failed = `login attempt to ${registryUrl(host)} failed with status: 401 Unauthorized`
  return connect(state, host, sent, { missing: failed, wrong: failed, deny: (words) => errorResponse(500, words) })
}
