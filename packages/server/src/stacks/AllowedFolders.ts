/** Compose files of this machine that may be used: those in folders that the server was given. */
import * as Effect from "effect/Effect"
import { realpath, stat } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"

/** A compose file that may be used, or the folder in which compose finds it. */
export interface AllowedFile {
  /** Without links, but for that of the file itself: paths in a file are relative to the folder that it seems to be in. */
  readonly path: string
  readonly isFolder: boolean
  /** The compose files, for comparison with what compose has noted. */
  readonly files: ReadonlyArray<string>
}

/** The names under which compose finds files by itself. */
const fileNames = ["compose", "docker-compose"].flatMap((name) => [`${name}.yaml`, `${name}.yml`])
const overrideNames = ["compose", "docker-compose"].flatMap((name) => [`${name}.override.yaml`, `${name}.override.yml`])

const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** The path without links; `undefined` if nothing is there. */
const real = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined)

/** Finds compose files in some folders. Neither `..` nor a link leads out of them. */
export class AllowedFolders {
  private readonly folders: ReadonlyArray<string>

  constructor(folders: ReadonlyArray<string>) {
    this.folders = folders.map((folder) => resolve(folder))
  }

  /** Finds a file. Fails with what is wrong with the path, and what to do. What is elsewhere is not even looked for. */
  find(path: string): Effect.Effect<AllowedFile, string> {
    if (!isAbsolute(path) || path.includes("\0")) {
      return Effect.fail(
        "it is not an absolute path. Pass the path of a compose file or of its folder on the server's machine."
      )
    }
    const absolute = resolve(path)
    if (!this.folders.some((folder) => isInside(folder, absolute))) return Effect.fail(this.elsewhere(absolute))
    return Effect.flatMap(
      Effect.promise(() => this.locate(absolute)),
      (found) => (typeof found === "string" ? Effect.fail(found) : Effect.succeed(found))
    )
  }

  private elsewhere(path: string): string {
    const allowed =
      this.folders.length === 0
        ? "no folder is allowed"
        : `it is in none of the allowed folders (${this.folders.join(", ")})`
    return `${allowed}. Start the server with --stacks-dir ${JSON.stringify(dirname(path))} (DOCKWIRE_STACKS_DIR), or move the file.`
  }

  private async locate(absolute: string): Promise<AllowedFile | string> {
    const folders = (await Promise.all(this.folders.map(real))).filter((folder) => folder !== undefined)
    const isAllowed = (path: string) => folders.some((folder) => isInside(folder, path))
    const leadsOut = (path: string) =>
      `${path} is a link that leads out of the allowed folders. Replace it by what it leads to.`
    const found = await real(absolute)
    if (found === undefined) return "it does not exist, or cannot be read. Check the path."
    if (!isAllowed(found)) return leadsOut(absolute)
    const { isFile, isFolder } = await stat(found).then(
      (stats) => ({ isFile: stats.isFile(), isFolder: stats.isDirectory() }),
      () => ({ isFile: false, isFolder: false })
    )
    if (!isFolder) {
      if (!isFile) return "it is no regular file. Pass the path of a compose file or of its folder."
      const parent = (await real(dirname(absolute))) ?? dirname(found)
      const path = isAllowed(parent) ? join(parent, basename(absolute)) : found
      return { path, isFolder, files: [path, absolute, found] }
    }
    const files: Array<string> = []
    for (const name of [...fileNames, ...overrideNames]) {
      const file = join(found, name)
      const target = await real(file)
      if (target === undefined) continue
      if (!isAllowed(target)) return leadsOut(file)
      files.push(file, join(absolute, name))
    }
    if (!files.some((file) => fileNames.includes(basename(file)))) {
      return `the folder has none of ${fileNames.join(", ")}. Pass the path of the compose file.`
    }
    return { path: found, isFolder, files }
  }
}
