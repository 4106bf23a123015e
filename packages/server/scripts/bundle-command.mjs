/**
 * Builds `dist/bin`: the command in a few files, which start twice as fast as the thousand modules that they are made of.
 * They import only what the package itself depends on: not every package manager lets it import what core depends on. Runs
 * after the compiler.
 */
import { build } from "esbuild"
import { readFile, rm, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { licenses } from "./licenses.mjs"

const folder = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const target = folder("dist/bin")

const { dependencies } = JSON.parse(await readFile(folder("package.json"), "utf8"))
const external = Object.keys(dependencies).filter((name) => !name.startsWith("@dockwire/"))

await rm(target, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: { dockwire: folder("dist/command/main.js") },
  outdir: target,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // ssh2 tries to load native code, and does without.
  external: [...external, "cpu-features", "*.node"],
  // CommonJS packages use these, which a module does not have.
  banner: {
    js: [
      'import { createRequire as makeRequire } from "node:module"',
      'import { fileURLToPath as toPath } from "node:url"',
      "const require = makeRequire(import.meta.url)",
      'const [__filename, __dirname] = [import.meta.url, "."].map((url) => toPath(new URL(url, import.meta.url)))'
    ].join("\n")
  },
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  metafile: true
})
await writeFile(`${target}/LICENSES.txt`, await licenses(metafile))
