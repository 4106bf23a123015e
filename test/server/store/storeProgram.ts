import { build } from "esbuild"
import { fileURLToPath, pathToFileURL } from "node:url"

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url))

let built: Promise<URL> | undefined

/** The program of the store's threads, made of the sources: a thread loads no TypeScript. */
export const storeProgram = (): Promise<URL> => {
  const outfile = path(`.cache/store/logStoreThread-${process.pid}.mjs`)
  built ??= build({
    entryPoints: [path("packages/server/src/store/thread/logStoreThread.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    alias: { "@dockwire/core": path("packages/core/src") },
    external: ["libsql"],
    logLevel: "warning"
  }).then(() => pathToFileURL(outfile))
  return built
}
