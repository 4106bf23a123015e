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
// ws is a dozen small files, which take longer to find than to read; of re2js only what is used is read.
const bundled = new Set(["ws", "re2js"])
const external = Object.keys(dependencies).filter((name) => !name.startsWith("@dockwire/") && !bundled.has(name))

/**
 * What packages load at once and the command never calls: reading it takes a third of the time that the server needs to start.
 * Whatever calls it after all is told so.
 */
const unused = [
  // Core opens ssh connections itself, with the ssh command.
  { module: /^ssh2$/, importer: /docker-modem\/lib\/ssh\.js$/ },
  // Credentials for a build by dockerode. Core sends them with its own builds.
  { module: /^\.\/session$/, importer: /dockerode\/lib\/docker\.js$/ },
  // The database is opened by its own thread, which loads the driver.
  { module: /^@libsql\/client$/, importer: /@effect\/sql-libsql\// }
]
const leaveOut = {
  name: "leave-out",
  setup({ onEnd, onLoad, onResolve }) {
    const found = new Set()
    onResolve({ filter: /^(ssh2|\.\/session|@libsql\/client)$/ }, ({ importer, path }) => {
      const index = unused.findIndex((entry) => entry.module.test(path) && entry.importer.test(importer))
      if (index === -1) return undefined
      found.add(index)
      return { path, namespace: "left-out", sideEffects: false }
    })
    onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
      contents: `module.exports = () => { throw new Error("The command dockwire does not contain ${path}") }`
    }))
    onEnd(() => {
      if (found.size < unused.length) throw new Error("A package has changed. Adapt scripts/bundle-command.mjs.")
    })
  }
}

await rm(target, { recursive: true, force: true })
const { metafile } = await build({
  // The program of the store's threads is loaded from beside the code that starts them.
  entryPoints: {
    dockwire: folder("dist/command/main.js"),
    logStoreThread: folder("dist/store/thread/logStoreThread.js")
  },
  outdir: target,
  bundle: true,
  // Names stay as they are, so that a stack trace can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // ws tries to load native code, and does without.
  external: [...external, "bufferutil", "utf-8-validate"],
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
  metafile: true,
  plugins: [leaveOut]
})
await writeFile(`${target}/LICENSES.txt`, await licenses(metafile))
