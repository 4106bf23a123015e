/**
 * Removes the compiler's outputs whose source was moved or deleted, which the compiler leaves in `dist`. Needs only Node.
 * Takes the repository's folder as an argument; default: this repository.
 */
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url))

const output = /^(.+?)(?:\.d\.ts|\.js)(?:\.map)?$/

/** What the bundlers write has no source of its own. */
const bundles = ["bin", "web"].map((folder) => join("dist", folder))

/** Removes stale outputs from a folder, and then its folders that are empty. */
const clean = (source, target) => {
  for (const entry of readdirSync(target, { withFileTypes: true })) {
    const path = join(target, entry.name)
    if (entry.isDirectory()) {
      if (bundles.some((bundle) => path.endsWith(bundle))) continue
      clean(join(source, entry.name), path)
      if (readdirSync(path).length === 0) rmdirSync(path)
    } else {
      const name = output.exec(entry.name)?.[1]
      if (name !== undefined && !existsSync(join(source, `${name}.ts`))) rmSync(path)
    }
  }
}

for (const name of readdirSync(join(root, "packages"))) {
  const [source, target] = ["src", "dist"].map((folder) => join(root, "packages", name, folder))
  if (existsSync(target)) clean(source, target)
}
