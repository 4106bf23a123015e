/** The 403 responses to a wrong host or origin. They name the setting that would allow the request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { createHash } from "node:crypto"
import { parseOrigin } from "../Config.js"

/** The body of a 403 response. */
export interface Refusal {
  readonly _tag: "HostNotAllowed" | "OriginNotAllowed"
  readonly message: string
}

type RequestHeaders = Readonly<Record<string, string | undefined>>

/**
 * The scheme that the browser's address bar shows. A request does not carry it, so this goes by what hints at it: the page's
 * origin, what a proxy reports, and headers that browsers send only over TLS.
 */
const likelyScheme = (host: string, headers: RequestHeaders): "http" | "https" => {
  const origin = parseOrigin(headers["origin"] ?? "")
  if (origin !== undefined && origin.host === new URL(`${origin.protocol}//${host}`).host) {
    return origin.protocol === "https:" ? "https" : "http"
  }
  const forwarded = headers["x-forwarded-proto"]?.split(",")[0]?.trim().toLowerCase()
  if (forwarded === "http" || forwarded === "https") return forwarded
  if (headers["sec-fetch-site"] !== undefined) return "https"
  const port = /:(\d+)$/.exec(host)?.[1]
  return port === undefined || port === "443" ? "https" : "http"
}

/** The origin to pass as `--public-origin`, so that this host is accepted. */
const likelyOrigin = (host: string, headers: RequestHeaders): string | undefined =>
  URL.canParse(`http://${host}`) ? parseOrigin(`${likelyScheme(host, headers)}://${host}`)?.origin : undefined

/** The refusal of a host. `names` are those of this machine, if other machines can connect. */
export const hostNotAllowed = (
  host: string,
  isHost: boolean,
  names: ReadonlyArray<string>,
  headers: RequestHeaders
): Refusal => {
  const origin = isHost ? likelyOrigin(host, headers) : undefined
  const what = JSON.stringify(host)
  if (origin === undefined) {
    return { _tag: "HostNotAllowed", message: `The Host header ${what} is not a host name with an optional port.` }
  }
  const remedy = `restart Dockwire with --public-origin ${origin} (the address that the browser shows).`
  const message =
    names.length === 0
      ? `Dockwire does not serve the host ${what}. If a proxy serves Dockwire under this address, ${remedy}`
      : `Dockwire does not serve the host ${what}. Open this machine by its IP address or its own name, ${names.join(" or ")}. To use this address, ${remedy}`
  return { _tag: "HostNotAllowed", message }
}

/** The refusal of an origin. `alternative` is a public origin with the same host name. */
export const originNotAllowed = (
  text: string,
  origin: string | undefined,
  alternative: string | undefined
): Refusal => {
  const what = `Pages from ${JSON.stringify(text)} may not use this server.`
  const open = alternative === undefined ? "To" : `Open ${alternative} instead. Or, to`
  const message =
    origin === undefined
      ? `${what} The origin is not that of a page, such as https://logs.example.com.`
      : `${what} ${open} allow them, restart Dockwire with --public-origin ${origin}.`
  return { _tag: "OriginNotAllowed", message }
}

const style =
  "body{max-width:44em;margin:4em auto;padding:0 1em;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"

const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const toHtml = ({ message }: Refusal): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Dockwire: address not allowed</title>
<style>${style}</style>
</head>
<body>
<h1>Dockwire can’t be used at this address</h1>
<p>${escapeHtml(message)}</p>
<p>Dockwire answers only for addresses that it knows. Otherwise any web page could point a name of its own at it and control Docker.</p>
</body>
</html>
`

/** Responds with a page to a browser that opens an address, and with JSON to everything else. */
export const refusalResponse = (
  refusal: Refusal,
  request: HttpServerRequest.HttpServerRequest
): HttpServerResponse.HttpServerResponse => {
  const headers = { "cache-control": "no-store", vary: "accept" }
  const wantsPage = /\btext\/html\b/i.test(request.headers["accept"] ?? "")
  return wantsPage
    ? HttpServerResponse.text(toHtml(refusal), {
        status: 403,
        contentType: "text/html; charset=utf-8",
        headers: { ...headers, "content-security-policy": contentSecurityPolicy }
      })
    : HttpServerResponse.unsafeJson(refusal, { status: 403, headers })
}
