/** The page and its assets: the files that the bundler wrote, read once when the server starts. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"

/** The files by path, beside the assets. No other file can be requested. */
const files = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/client.js": { file: "client.js", type: "text/javascript; charset=utf-8" },
  "/dockwire.js": { file: "dockwire.js", type: "text/javascript; charset=utf-8" }
} as const

/** The content types of the assets, by the ending of the file. */
const assetTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json"
}

/** The output directory of the bundler. */
const folder = new URL("../web/", import.meta.url)

const read = (file: string): Effect.Effect<Uint8Array | undefined> =>
  Effect.promise(() => readFile(fileURLToPath(new URL(file, folder))).catch(() => undefined))

/** Files that pages of other origins may load: the client, which contains no secrets. */
const crossOrigin: ReadonlySet<string> = new Set(["/client.js", "/dockwire.js"])

const acceptsGzip = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(headers["accept-encoding"] ?? "")

const respond = (path: string, content: Uint8Array, compressed: Uint8Array | undefined, type: string) => {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 27)
  const answer = (body: Uint8Array, etag: string, encoding: Readonly<Record<string, string>>) => {
    const headers = {
      etag,
      vary: "accept-encoding",
      // Revalidated on each request, so that a page never runs with assets of another version.
      "cache-control": "no-cache",
      "cross-origin-resource-policy": crossOrigin.has(path) ? "cross-origin" : "same-origin"
    }
    return (request: HttpServerRequest.HttpServerRequest) =>
      request.headers["if-none-match"]?.split(/, */).includes(etag) === true
        ? HttpServerResponse.empty({ status: 304, headers })
        : HttpServerResponse.uint8Array(body, { contentType: type, headers: { ...headers, ...encoding } })
  }
  const plain = answer(content, `"${hash}"`, {})
  const gzip = compressed && answer(compressed, `"${hash}-gzip"`, { "content-encoding": "gzip" })
  return (request: HttpServerRequest.HttpServerRequest) =>
    Effect.succeed(gzip !== undefined && acceptsGzip(request) ? gzip(request) : plain(request))
}

type Response = ReturnType<typeof respond>

const responseOf = (path: string, file: string, type: string): Effect.Effect<Response | undefined> =>
  Effect.gen(function* () {
    const content = yield* read(file)
    return content && respond(path, content, yield* read(`${file}.gz`), type)
  })

/** What to respond for each asset. */
const assetResponses: Effect.Effect<ReadonlyMap<string, Response>> = Effect.gen(function* () {
  const names = yield* Effect.promise(() => readdir(fileURLToPath(new URL("assets/", folder))).catch(() => []))
  const responses = new Map<string, Response>()
  for (const name of names) {
    const type = assetTypes[extname(name)]
    if (type === undefined) continue
    const path = `/assets/${name}`
    const response = yield* responseOf(path, path.slice(1), type)
    if (response !== undefined) responses.set(path, response)
  }
  return responses
})

/** The path of a request without its query. */
const pathOf = (url: string): string => url.replace(/[?#].*$/, "")

/** The routes of the page. If the page has not been built, `/` says so. `missing` responds to what does not exist. */
export const layer = (
  missing: HttpServerResponse.HttpServerResponse
): Layer.Layer<never, never, HttpLayerRouter.HttpRouter> =>
  HttpLayerRouter.use((router) =>
    Effect.gen(function* () {
      for (const [path, { file, type }] of Object.entries(files)) {
        const response = yield* responseOf(path, file, type)
        if (response !== undefined) yield* router.add("GET", `/${path.slice(1)}`, response)
        else if (path === "/") {
          const notBuilt = HttpServerResponse.text(
            'The page has not been built. Run "npm run build" and restart. The API and the WebSocket work without it.\n'
          )
          yield* router.add("GET", "/", Effect.succeed(notBuilt))
        }
      }
      const assets = yield* assetResponses
      yield* router.add(
        "GET",
        "/assets/*",
        (request) => assets.get(pathOf(request.url))?.(request) ?? Effect.succeed(missing)
      )
    })
  )
