import * as Effect from "effect/Effect"
import { constants } from "node:fs"
import { open, realpath } from "node:fs/promises"
import { basename, dirname, join, relative, resolve, sep } from "node:path"
import { ComposeFileInvalid, ComposeFileUnusable, InvalidRequest } from "../../../DockerError.js"
import { composeFileNames } from "../cli/composeFileNames.js"
import { fileError, isMissing, onFile } from "./fileError.js"
import { maxFileSize } from "./download/transfer.js"

/** A folder with one folder for each project. */
export interface ProjectsFolder {
  /** An absolute path. */
  readonly folder: string
  /** What a new file is called. */
  readonly fileName: (typeof composeFileNames)[number]
}

/** Where a compose file is. */
export interface LocatedFile {
  /** The path as it is told to the caller. */
  readonly path: string
  /** The same without links; where the file does not exist, that of the folder in which it would be. */
  readonly realPath: string
  readonly exists: boolean
}

const validName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** Checks the name of a project: one folder's name, and nothing else. */
export const checkName = (name: string): Effect.Effect<void, InvalidRequest> =>
  validName.test(name) && name.length <= 200
    ? Effect.void
    : Effect.fail(
        new InvalidRequest({
          field: "name",
          value: name.slice(0, 200),
          detail: 'use up to 200 letters, digits, "_", "." and "-", and begin with a letter or a digit.'
        })
      )

/** The path without links, or `undefined` if there is nothing at it. A link that leads nowhere is something. */
const realPathOf = async (path: string): Promise<string | undefined> => {
  try {
    return await realpath(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== ".." && !way.startsWith(`..${sep}`) && resolve(folder, way) === path
}

const outside = (path: string, target: string): ComposeFileUnusable =>
  new ComposeFileUnusable({ reason: "OutsideFolder", path, detail: `it leads to ${target}` })

/** Finds the file of a project: the one that compose would take, or where a new one would be. */
export const locateByName = (
  { fileName, folder }: ProjectsFolder,
  name: string
): Effect.Effect<LocatedFile, InvalidRequest | ComposeFileUnusable> =>
  Effect.zipRight(
    checkName(name),
    onFile(join(folder, name), async () => {
      const project = join(folder, name)
      const missing = { path: join(project, fileName), realPath: join(project, fileName), exists: false }
      const realFolder = await realPathOf(folder)
      const realProject = await realPathOf(project)
      if (realFolder === undefined || realProject === undefined) return missing
      if (!isInside(realFolder, realProject)) throw outside(project, realProject)
      for (const file of composeFileNames) {
        const path = join(project, file)
        const realPath = await realPathOf(path)
        if (realPath === undefined) continue
        if (!isInside(realFolder, realPath)) throw outside(path, realPath)
        return { path, realPath, exists: true }
      }
      return { ...missing, realPath: join(realProject, fileName) }
    })
  )

/** Finds a file by its path. */
export const locateByPath = (path: string): Effect.Effect<LocatedFile, ComposeFileUnusable> => {
  const absolute = resolve(path)
  return onFile(absolute, async () => {
    const realPath = await realPathOf(absolute)
    if (realPath !== undefined) return { path: absolute, realPath, exists: true }
    return { path: absolute, realPath: join(await realpath(dirname(absolute)), basename(absolute)), exists: false }
  })
}

const notAFile = (path: string): ComposeFileUnusable =>
  new ComposeFileUnusable({ reason: "NotAFile", path, detail: "it is not a regular file" })

/** Reads a file. What is not a regular file, such as a pipe, would never end. */
export const readComposeFile = ({
  path,
  realPath
}: LocatedFile): Effect.Effect<Buffer, ComposeFileUnusable | ComposeFileInvalid> =>
  Effect.tryPromise({
    try: async () => {
      const file = await open(realPath, constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        const found = await file.stat()
        if (!found.isFile()) throw notAFile(path)
        const detail = `it has ${found.size} bytes, and a compose file may have ${maxFileSize}`
        if (found.size > maxFileSize) throw new ComposeFileInvalid({ source: path, reason: "TooLarge", detail })
        return await file.readFile()
      } finally {
        await file.close()
      }
    },
    catch: (error) => (error instanceof ComposeFileInvalid ? error : fileError(path, error))
  })

/** The text of a file. */
export const decodeText = (source: string, bytes: Uint8Array): Effect.Effect<string, ComposeFileInvalid> =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => new ComposeFileInvalid({ source, reason: "NotUtf8", detail: "it is not UTF-8 text" })
  })
