import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { jsonAt } from "../engine/engineRequest.js"
import { command } from "./command.js"
import { repositoryRoot } from "./repositoryRoot.js"

/** A package as it is published. */
export interface PackedPackage {
  readonly name: string
  readonly tarball: string
  /** The paths of its files. */
  readonly files: ReadonlyArray<string>
  /** Its `package.json`. */
  readonly manifest: unknown
}

/** The folders of the packages, dependencies first. */
export const packageFolders = ["core", "server", "compat"] as const

const pack = async (folder: string, target: string): Promise<PackedPackage> => {
  const args = [
    "pack",
    "--json",
    "--ignore-scripts",
    "--loglevel=error",
    "--pack-destination",
    target,
    `./packages/${folder}`
  ]
  const { code, output } = await command(repositoryRoot, "npm", args)
  if (code !== 0) throw new Error(output)
  const packed = jsonAt(JSON.parse(output.slice(output.indexOf("["), output.lastIndexOf("]") + 1)), 0)
  const files = jsonAt(packed, "files")
  return {
    name: String(jsonAt(packed, "name")),
    tarball: join(target, String(jsonAt(packed, "filename"))),
    files: Array.isArray(files) ? files.map((file: unknown) => String(jsonAt(file, "path"))) : [],
    manifest: JSON.parse(await readFile(join(repositoryRoot, "packages", folder, "package.json"), "utf8"))
  }
}

/** Packs the last build into a temporary folder. */
export const packPackages = async (): Promise<{
  readonly packages: ReadonlyArray<PackedPackage>
  readonly remove: () => Promise<void>
}> => {
  const target = await mkdtemp(join(tmpdir(), "dockwire-packed-"))
  const remove = () => rm(target, { recursive: true, force: true })
  try {
    return { packages: await Promise.all(packageFolders.map((folder) => pack(folder, target))), remove }
  } catch (error) {
    await remove()
    throw error
  }
}
