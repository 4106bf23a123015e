/** Whom the server talks to at all: the addresses under which it may be asked, and the pages that may ask. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { isIP } from "node:net"
import { isLoopback, parseOrigin, type ServerConfig } from "../Config.js"

/** The rules, made once from the settings. */
export interface AccessRules {
  /** Host names without a port, in lower case. */
  readonly names: ReadonlySet<string>
  /** `host[:port]` of the public origins. */
  readonly publicHosts: ReadonlySet<string>
  readonly publicOrigins: ReadonlySet<string>
  /** Listening on every address: any IP address may be the host, as no name can be pointed at us then. */
  readonly anyAddress: boolean
}

/** The rules for these settings. */
export const accessRules = (config: Pick<ServerConfig, "host" | "publicOrigins">): AccessRules => {
  const origins = config.publicOrigins.flatMap((text) => parseOrigin(text) ?? [])
  const names = ["localhost", "127.0.0.1", "::1", config.host.toLowerCase()]
  return {
    names: new Set(names),
    publicHosts: new Set(origins.map((url) => url.host)),
    publicOrigins: new Set(origins.map((url) => url.origin)),
    anyAddress: !isLoopback(config.host)
  }
}

const hostPattern = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]\\]+))(?::(\d{1,5}))?$/i

/** Why a request is refused; `undefined` when it is not. */
export const refusal = (
  rules: AccessRules,
  headers: Readonly<Record<string, string | undefined>>
): { readonly _tag: "HostNotAllowed" | "OriginNotAllowed"; readonly message: string } | undefined => {
  const host = (headers["host"] ?? "").toLowerCase()
  const match = hostPattern.exec(host)
  const name = match?.[1] ?? match?.[2] ?? ""
  const known = rules.names.has(name) || rules.publicHosts.has(host) || (rules.anyAddress && isIP(name) !== 0)
  if (match === null || !known) {
    return {
      _tag: "HostNotAllowed",
      message: `The host ${JSON.stringify(host)} is not one of this server's; behind a proxy, start it with --public-origin.`
    }
  }
  const origin = headers["origin"]
  // A public address is shown by a proxy, mostly with TLS: a page that came to it without is none of ours.
  const isOwn = !rules.publicHosts.has(host) && origin?.toLowerCase() === `http://${host}`
  if (origin === undefined || isOwn || rules.publicOrigins.has(origin)) return undefined
  return {
    _tag: "OriginNotAllowed",
    message: `Pages of ${JSON.stringify(origin)} may not use this server; if they should, start it with --public-origin.`
  }
}

/**
 * Refuses with 403 what comes under a wrong host or from a page of another origin, before anything else is done with it,
 * a WebSocket upgrade included.
 */
export const guard =
  (rules: AccessRules) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      const refused = refusal(rules, request.headers)
      return refused === undefined ? app : Effect.succeed(HttpServerResponse.unsafeJson(refused, { status: 403 }))
    })
