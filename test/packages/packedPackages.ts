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

/** All of them in one run of npm, which takes a second to start. */
const pack = async (target: string): Promise<unknown> => {
  const args = ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", target]
  const folders = packageFolders.map((folder) => `./packages/${folder}`)
  const { code, output } = await command(repositoryRoot, "npm", [...args, ...folders])
  if (code !== 0) throw new Error(output)
  return JSON.parse(output.slice(output.indexOf("["), output.lastIndexOf("]") + 1))
}

const described = async (folder: string, target: string, packed: unknown): Promise<PackedPackage> => {
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
    const packed = await pack(target)
    const packages = packageFolders.map((folder, index) => described(folder, target, jsonAt(packed, index)))
    return { packages: await Promise.all(packages), remove }
  } catch (error) {
    await remove()
    throw error
  }
}
