/** What a Node that can do so remembers of the code that it has compiled, so that the next start takes a tenth less time. */
import * as nodeModule from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

/**
 * Node 22 and later. In the user's own cache, and not in the directory for temporary files that Node would use: others could write
 * there, and what is in it is run. If it cannot be written, the code is compiled as before.
 */
export const useCompileCache = (): void => {
  const enable: unknown = "enableCompileCache" in nodeModule ? nodeModule.enableCompileCache : undefined
  const isUnwanted = process.env["NODE_DISABLE_COMPILE_CACHE"] !== undefined
  if (typeof enable !== "function" || isUnwanted || process.env["NODE_COMPILE_CACHE"] !== undefined) return
  const cache = process.env["XDG_CACHE_HOME"]
  Reflect.apply(enable, nodeModule, [
    join(cache?.startsWith("/") === true ? cache : join(homedir(), ".cache"), "dockwire")
  ])
}
