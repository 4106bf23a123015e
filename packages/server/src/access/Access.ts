/** Which requests the server accepts at all: the host names that it answers for, and the origins whose pages may use it. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { isIP } from "node:net"
import { isLoopback, parseOrigin, type ServerConfig } from "../Config.js"
import { machineNames } from "./machineNames.js"
import { hostNotAllowed, originNotAllowed, type Refusal, refusalResponse } from "./Refusal.js"

/** The rules, derived once from the settings. */
export interface AccessRules {
  /** The server's own host names, in lower case. */
  readonly ownNames: ReadonlySet<string>
  /** Whether any IP address is accepted as the host: one cannot be pointed at this server as a DNS name can. */
  readonly anyAddress: boolean
  /** The names of this machine; empty if only this machine can connect. */
  readonly machineNames: ReadonlyArray<string>
  readonly publicOrigins: ReadonlyArray<URL>
}

/** A URL's host name; IPv6 without brackets. */
const nameOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1")

/** Derives the rules from the settings. `names` are those of this machine. */
export const accessRules = (
  config: Pick<ServerConfig, "host" | "publicOrigins">,
  names: ReadonlyArray<string> = machineNames()
): AccessRules => {
  const reachable = isLoopback(config.host) ? [] : names
  return {
    ownNames: new Set(["localhost", "127.0.0.1", "::1", config.host.toLowerCase(), ...reachable]),
    anyAddress: !isLoopback(config.host),
    machineNames: reachable,
    publicOrigins: config.publicOrigins.flatMap((text) => parseOrigin(text) ?? [])
  }
}

const hostPattern = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]\\]+))(?::(\d{1,5}))?$/i

/** Parses an `Origin` header. A URL that is more than an origin is none. */
const parseOriginHeader = (text: string): URL | undefined =>
  /^https?:\/\/[^/?#\\@\s]+$/i.test(text) ? parseOrigin(text) : undefined

/** Whether a `Host` header is that of an origin. The default port of the origin's scheme may be absent or present. */
const isHostOf = (origin: URL, host: string): boolean => {
  const url = parseOrigin(`${origin.protocol}//${host}`)
  return url !== undefined && url.host === origin.host
}

/** Checks the `Host` and the `Origin` of a request. Returns `undefined` if it is acceptable. */
export const checkAccess = (
  rules: AccessRules,
  headers: Readonly<Record<string, string | undefined>>
): Refusal | undefined => {
  const host = (headers["host"] ?? "").toLowerCase()
  const match = hostPattern.exec(host)
  const name = match?.[1] ?? match?.[2] ?? ""
  const isOwn = rules.ownNames.has(name) || (rules.anyAddress && isIP(name) !== 0)
  // A proxy may drop the port or put its own: the name is what DNS rebinding cannot fake.
  const isKnown = isOwn || rules.publicOrigins.some((each) => nameOf(each) === name)
  if (match === null || !isKnown) return hostNotAllowed(host, match !== null, rules.machineNames, headers)
  const text = headers["origin"]
  if (text === undefined) return undefined
  const origin = parseOriginHeader(text)
  if (origin !== undefined) {
    if (rules.publicOrigins.some((each) => each.origin === origin.origin)) return undefined
    // A public host is served by a proxy, usually over TLS: a page that got there over plain HTTP is not ours.
    const isPublic = rules.publicOrigins.some((each) => isHostOf(each, host))
    if (isOwn && !isPublic && origin.protocol === "http:" && isHostOf(origin, host)) return undefined
  }
  const alternative = origin && rules.publicOrigins.find((each) => each.hostname === origin.hostname)
  return originNotAllowed(text, origin?.origin, alternative?.origin)
}

/** Responds with 403 to a wrong host or origin before anything else handles the request, WebSocket upgrades included. */
export const guard =
  (rules: AccessRules) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refusal = checkAccess(rules, request.headers)
      return refusal === undefined ? app : Effect.succeed(refusalResponse(refusal, request))
    })
