/**
 * Builds `dist/web`: the page, the client that other pages load from the server, and the documentation of the API. Runs
 * after the compiler.
 */
import { build } from "esbuild"
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"
import { bundlePage } from "./bundle-page.mjs"
import { licenses } from "./licenses.mjs"

const folder = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const source = folder("src/web")
const target = folder("dist/web")

const shared = {
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "none",
  charset: "utf8",
  platform: "browser",
  target: ["es2022", "chrome105", "firefox121", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning"
}

/** What a browser loads before it shows anything, and how much of that may travel, in bytes. */
const firstLoad = ["index.html", "assets/page.css", "assets/page.js", "assets/icon.svg"]
const maxFirstLoad = 120_000

/** Swagger UI, as @effect/platform carries it. Its own package would add one that reports each installation. */
const require = createRequire(import.meta.url)
const platform = dirname(require.resolve("@effect/platform/package.json"))
const swaggerUi = await import(pathToFileURL(join(platform, "dist/esm/internal/httpApiSwagger.js")).href)
if (typeof swaggerUi.javascript !== "string" || typeof swaggerUi.css !== "string") {
  throw new Error("@effect/platform does not carry Swagger UI as it did. Adapt packages/server/scripts/bundle-web.mjs.")
}

// The server sends all that is in there.
await rm(`${target}/assets`, { recursive: true, force: true })
await mkdir(`${target}/assets`, { recursive: true })
await mkdir(`${target}/docs`, { recursive: true })
const [inputs] = await Promise.all([
  bundlePage(shared, source, `${target}/assets`),
  build({ ...shared, entryPoints: [`${source}/styles/page.css`], outfile: `${target}/assets/page.css` }),
  build({ ...shared, entryPoints: [`${source}/dockwire.ts`], format: "iife", outfile: `${target}/dockwire.js` }),
  build({ ...shared, entryPoints: [folder("src/client/page.ts")], format: "esm", outfile: `${target}/client.js` }),
  copyFile(`${source}/icons/icon.svg`, `${target}/assets/icon.svg`),
  copyFile(`${source}/icons/icon-192.png`, `${target}/assets/icon-192.png`),
  copyFile(`${source}/icons/icon-512.png`, `${target}/assets/icon-512.png`),
  copyFile(`${source}/manifest.webmanifest`, `${target}/assets/manifest.webmanifest`),
  copyFile(`${source}/index.html`, `${target}/index.html`),
  build({ ...shared, entryPoints: [`${source}/docs/start.ts`], format: "iife", outfile: `${target}/docs/start.js` }),
  copyFile(`${source}/docs/index.html`, `${target}/docs/index.html`),
  writeFile(`${target}/docs/swagger-ui.js`, swaggerUi.javascript),
  writeFile(`${target}/docs/swagger-ui.css`, swaggerUi.css)
])
// TypeScript has the same license as Swagger UI, and its text.
const apache = await readFile(require.resolve("typescript/package.json").replace("package.json", "LICENSE"), "utf8")
const swaggerLicense = `swagger-ui\n\nCopyright 2020-2021 SmartBear Software Inc.\n\n${apache}`
await writeFile(`${target}/LICENSES.txt`, `${await licenses({ inputs })}\n---\n\n${swaggerLicense}`)

/** The files that the server sends compressed. */
const assets = (await readdir(`${target}/assets`)).filter((file) => !file.endsWith(".png"))
const compressed = ["index.html", "client.js", "dockwire.js", ...assets.map((file) => `assets/${file}`)]

const sizes = new Map()
for (const file of compressed) {
  const bytes = gzipSync(await readFile(join(target, file)), { level: 9 })
  await writeFile(join(target, `${file}.gz`), bytes)
  sizes.set(file, bytes.length)
}
const total = firstLoad.reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0)
console.log(`The page: ${(total / 1000).toFixed(1)} kB compressed, of at most ${maxFirstLoad / 1000} kB`)
if (total > maxFirstLoad) throw new Error("The page is too large. Load what few need later.")
