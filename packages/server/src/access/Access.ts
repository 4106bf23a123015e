/** Which requests the server accepts at all: the host names that it answers for, and the origins whose pages may use it. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { isIP } from "node:net"
import { isLoopback, parseOrigin, type ServerConfig } from "../Config.js"

/** The rules, derived once from the settings. */
export interface AccessRules {
  /** Host names without a port, in lower case. */
  readonly hostNames: ReadonlySet<string>
  /** `host[:port]` of each public origin. */
  readonly publicHosts: ReadonlySet<string>
  readonly publicOrigins: ReadonlySet<string>
  /** Whether any IP address is accepted as the host: one cannot be pointed at this server as a DNS name can. */
  readonly anyAddress: boolean
}

/** Derives the rules from the settings. */
export const accessRules = (config: Pick<ServerConfig, "host" | "publicOrigins">): AccessRules => {
  const origins = config.publicOrigins.flatMap((text) => parseOrigin(text) ?? [])
  return {
    hostNames: new Set(["localhost", "127.0.0.1", "::1", config.host.toLowerCase()]),
    publicHosts: new Set(origins.map((url) => url.host)),
    publicOrigins: new Set(origins.map((url) => url.origin)),
    anyAddress: !isLoopback(config.host)
  }
}

/** The body of a 403 response. */
export interface Refusal {
  readonly _tag: "HostNotAllowed" | "OriginNotAllowed"
  readonly message: string
}

const hostPattern = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]\\]+))(?::(\d{1,5}))?$/i

/** Checks the `Host` and the `Origin` of a request. Returns `undefined` if it is acceptable. */
export const checkAccess = (
  rules: AccessRules,
  headers: Readonly<Record<string, string | undefined>>
): Refusal | undefined => {
  const host = (headers["host"] ?? "").toLowerCase()
  const match = hostPattern.exec(host)
  const name = match?.[1] ?? match?.[2] ?? ""
  const isKnown = rules.hostNames.has(name) || rules.publicHosts.has(host) || (rules.anyAddress && isIP(name) !== 0)
  if (match === null || !isKnown) {
    return {
      _tag: "HostNotAllowed",
      message: `This server does not serve the host ${JSON.stringify(host)}. If a proxy forwards it, start Dockwire with the proxy's address as --public-origin.`
    }
  }
  const origin = headers["origin"]
  // A public host is served by a proxy, usually over TLS: a page that got there over plain HTTP is not ours.
  const isOwn = !rules.publicHosts.has(host) && origin?.toLowerCase() === `http://${host}`
  if (origin === undefined || isOwn || rules.publicOrigins.has(origin)) return undefined
  return {
    _tag: "OriginNotAllowed",
    message: `Pages from ${JSON.stringify(origin)} may not use this server. To allow them, start Dockwire with that address as --public-origin.`
  }
}

/** Responds with 403 to a wrong host or origin before anything else handles the request, WebSocket upgrades included. */
export const guard =
  (rules: AccessRules) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refusal = checkAccess(rules, request.headers)
      return refusal === undefined ? app : Effect.succeed(HttpServerResponse.unsafeJson(refusal, { status: 403 }))
    })
