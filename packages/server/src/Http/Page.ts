/** The page and its assets: a fixed list of files, read once when the server starts. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"

/** The files by path. No other file can be requested. */
const files = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/client.js": { file: "client.js", type: "text/javascript; charset=utf-8" },
  "/dockwire.js": { file: "dockwire.js", type: "text/javascript; charset=utf-8" },
  "/assets/page.js": { file: "assets/page.js", type: "text/javascript; charset=utf-8" },
  "/assets/page.css": { file: "assets/page.css", type: "text/css; charset=utf-8" },
  "/assets/icon.svg": { file: "assets/icon.svg", type: "image/svg+xml" }
} as const

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

/** The routes of the page. If the page has not been built, `/` says so. */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter> = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    for (const [path, { file, type }] of Object.entries(files)) {
      const content = yield* read(file)
      const compressed = yield* read(`${file}.gz`)
      if (content !== undefined) yield* router.add("GET", `/${path.slice(1)}`, respond(path, content, compressed, type))
      else if (path === "/") {
        const missing = HttpServerResponse.text(
          'The page has not been built. Run "npm run build" and restart. The API and the WebSocket work without it.\n'
        )
        yield* router.add("GET", "/", Effect.succeed(missing))
      }
    }
  })
)
