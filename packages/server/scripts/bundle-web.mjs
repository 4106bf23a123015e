/**
 * Makes `dist/web`: the page, and the client as pages take it from a server. Runs after the compiler.
 */
import { build } from "esbuild"
import { copyFile, mkdir } from "node:fs/promises"
import { fileURLToPath } from "node:url"

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
await Promise.all([
  build({ ...shared, entryPoints: [folder("src/client/page.ts")], format: "esm", outfile: `${target}/client.js` }),
  build({ ...shared, entryPoints: [`${source}/dockwire.ts`], format: "iife", outfile: `${target}/dockwire.js` }),
  build({ ...shared, entryPoints: [`${source}/main.ts`], format: "esm", outfile: `${target}/assets/page.js` }),
  build({ ...shared, entryPoints: [`${source}/page.css`], outfile: `${target}/assets/page.css` }),
  copyFile(`${source}/icon.svg`, `${target}/assets/icon.svg`),
  copyFile(`${source}/index.html`, `${target}/index.html`)
])
