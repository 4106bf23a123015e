/**
 * Builds `dist/bin`: the command in a few files, which start twice as fast as the thousand modules that they are made of.
 * Runs after the compiler.
 */
import { build } from "esbuild"
import { readFile, rm, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { licenses } from "./licenses.mjs"

const folder = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const target = folder("dist/bin")

/** What is installed with the package stays outside. Peers are bundled. */
const dependencies = async (manifest) =>
  Object.keys(JSON.parse(await readFile(folder(manifest), "utf8")).dependencies).filter(
    (name) => !name.startsWith("@dockwire/")
  )

await rm(target, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: { dockwire: folder("dist/command/main.js") },
  outdir: target,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: (await Promise.all(["package.json", "../core/package.json"].map(dependencies))).flat(),
  // CommonJS packages call `require`, which a module does not have.
  banner: {
    js: 'import { createRequire as makeRequire } from "node:module"\nconst require = makeRequire(import.meta.url)'
  },
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  metafile: true
})
await writeFile(`${target}/LICENSES.txt`, await licenses(metafile))
