/** `/docs`: the API, described by Swagger UI. Its files are the server's own, and are read when somebody asks for them. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"

const files = {
  "/docs": { file: "index.html", type: "text/html; charset=utf-8" },
  "/docs/start.js": { file: "start.js", type: "text/javascript; charset=utf-8" },
  "/docs/swagger-ui.js": { file: "swagger-ui.js", type: "text/javascript; charset=utf-8" },
  "/docs/swagger-ui.css": { file: "swagger-ui.css", type: "text/css; charset=utf-8" }
} as const

/** What Swagger UI needs: icons in its style sheet, and styles that it sets on elements. No scripts but its own. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The output directory of the bundler. The command is bundled into a folder beside it, so this is one level up there too. */
const folder = new URL("../web/docs/", import.meta.url)

const notBuilt = HttpServerResponse.text('The pages have not been built. Run "npm run build".\n', { status: 404 })

const respond = (file: string, contentType: string) =>
  Effect.promise(() =>
    readFile(fileURLToPath(new URL(file, folder))).then(
      (content) =>
        HttpServerResponse.uint8Array(content, {
          contentType,
          headers: { "cache-control": "no-cache", "content-security-policy": contentSecurityPolicy }
        }),
      () => notBuilt
    )
  )

/** The routes of the documentation. */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter> = HttpLayerRouter.use((router) =>
  Effect.forEach(
    Object.entries(files),
    ([path, { file, type }]) => router.add("GET", `/${path.slice(1)}`, respond(file, type)),
    { discard: true }
  )
)
