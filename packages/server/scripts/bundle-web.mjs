/**
 * Builds `dist/web`: the page, and the client that other pages load from the server. Runs after the compiler.
 */
import { build } from "esbuild"
import { copyFile, mkdir, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
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
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning"
}

await mkdir(`${target}/assets`, { recursive: true })
const [page] = await Promise.all([
  build({
    ...shared,
    entryPoints: [`${source}/main.ts`],
    // A module would be requested with an Origin, so that a server that refuses it could not even explain itself.
    format: "iife",
    outfile: `${target}/assets/page.js`,
    metafile: true
  }),
  build({ ...shared, entryPoints: [`${source}/styles/page.css`], outfile: `${target}/assets/page.css` }),
  build({ ...shared, entryPoints: [`${source}/dockwire.ts`], format: "iife", outfile: `${target}/dockwire.js` }),
  build({ ...shared, entryPoints: [folder("src/client/page.ts")], format: "esm", outfile: `${target}/client.js` }),
  copyFile(`${source}/icon.svg`, `${target}/assets/icon.svg`),
  copyFile(`${source}/index.html`, `${target}/index.html`)
])
await writeFile(`${target}/LICENSES.txt`, await licenses(page.metafile))
