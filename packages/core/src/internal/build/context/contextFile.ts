import { close, constants, open, read } from "node:fs"
import { join } from "node:path"
import type { InvalidRequest } from "../../../DockerError.js"
import { contextError, readError } from "./contextError.js"

/**
 * Neither follows a link that has replaced the file since it was looked at, nor waits for the writer of a pipe that has.
 */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const shrunk = (root: string, path: string): InvalidRequest =>
  contextError(root, path, "it became shorter during the build. Build again when nothing writes to it")

/** An open file of the context, of which as much is read as it had when it was looked at. Fails with `InvalidRequest`. */
export interface OpenContextFile {
  /** Fills a part of a buffer with the next bytes. */
  readonly fill: (target: Buffer, start: number, end: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a file of the context. Works with callbacks: a file handle takes several times as long, and most files are small. */
export const openContextFile = (root: string, path: string): Promise<OpenContextFile> =>
  new Promise((resolve, reject) =>
    open(join(root, path), flags, (error, file) => {
      if (error !== null) return reject(readError(root, path, error))
      resolve({
        fill: (target, start, end) =>
          new Promise((resolve, reject) => {
            const next = (from: number): void => {
              if (from === end) return resolve()
              read(file, target, from, end - from, null, (error, count) => {
                if (error !== null) reject(readError(root, path, error))
                else if (count === 0) reject(shrunk(root, path))
                else next(from + count)
              })
            }
            next(start)
          }),
        close: () => new Promise((resolve) => close(file, () => resolve()))
      })
    })
  )
