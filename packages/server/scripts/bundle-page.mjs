/**
 * Bundles the page. What is imported dynamically becomes a module of its own, which a browser loads when it is needed; both are
 * given the same copy of what must exist once.
 */
import { build } from "esbuild"
import { basename, resolve } from "node:path"

/** What exists once: libraries with state, and the context that gives views their model. */
const once = ["preact", "preact/hooks", "preact/jsx-runtime", "@preact/signals"]
const model = "model/PageModel.js"

/** The global that holds them. */
const registry = "dockwirePage"

const nameOf = (path) => basename(path).replace(/\.[jt]sx?$/, "")

/** The script of the page, which loads other views by their name, and a list of those. */
const bundleMain = async (options, source, folder) => {
  const views = new Set()
  const shared = [...once.map((name) => [name, name]), [model, `./${model}`]]
  const contents = `${shared.map(([, path], index) => `import * as shared${index} from ${JSON.stringify(path)}`).join("\n")}
globalThis.${registry} = { ${shared.map(([name], index) => `${JSON.stringify(name)}: shared${index}`).join(", ")} }
import "./main.js"`
  const plugin = {
    name: "later views",
    setup: ({ onResolve }) => {
      onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (kind !== "dynamic-import") return undefined
        const file = resolve(resolveDir, path.replace(/\.js$/, ".tsx"))
        views.add(file)
        return { path: `./${nameOf(file)}.js`, external: true }
      })
    }
  }
  const { metafile } = await build({
    ...options,
    stdin: { contents, resolveDir: source, sourcefile: "page.js" },
    // A module would be requested with an Origin, so that a server that refuses it could not even explain itself.
    format: "iife",
    outfile: `${folder}/page.js`,
    metafile: true,
    plugins: [plugin]
  })
  return { inputs: metafile.inputs, views }
}

const bundleViews = async (options, source, folder, views) => {
  const modelFile = resolve(source, model)
  const plugin = {
    name: "what the page has already",
    setup: ({ onLoad, onResolve }) => {
      const found = (name) => ({ path: name, namespace: "once" })
      onResolve({ filter: /^@?preact/ }, ({ path }) => (once.includes(path) ? found(path) : undefined))
      onResolve({ filter: /\/PageModel\.js$/ }, ({ path, resolveDir }) =>
        resolve(resolveDir, path) === modelFile ? found(model) : undefined
      )
      onLoad({ filter: /./, namespace: "once" }, ({ path }) => ({
        contents: `module.exports = globalThis.${registry}[${JSON.stringify(path)}]`
      }))
    }
  }
  const { metafile } = await build({
    ...options,
    entryPoints: Array.from(views),
    format: "esm",
    splitting: true,
    entryNames: "[name]",
    chunkNames: "shared-[hash]",
    outdir: folder,
    metafile: true,
    plugins: [plugin]
  })
  return metafile.inputs
}

/** Bundles the page, and returns what is in it. */
export const bundlePage = async (options, source, folder) => {
  const { inputs, views } = await bundleMain(options, source, folder)
  return { ...inputs, ...(await bundleViews(options, source, folder, views)) }
}
