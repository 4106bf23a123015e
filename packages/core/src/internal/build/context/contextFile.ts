import { close, closeSync, constants, open, openSync, read, readSync } from "node:fs"
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
  /** Fills a buffer with the next bytes. Returns a promise if that may take a while. */
  readonly fill: (target: Buffer) => Promise<void> | undefined
  readonly close: () => Promise<void> | undefined
}

/** Opens a file of the context. Works with callbacks: a file handle takes several times as long, and most files are small. */
export const openContextFile = (root: string, path: string): Promise<OpenContextFile> =>
  new Promise((resolve, reject) =>
    open(`${root}/${path}`, flags, (error, file) => {
      if (error !== null) return reject(readError(root, path, error))
      resolve({
        fill: (target) =>
          new Promise((resolve, reject) => {
            const next = (from: number): void => {
              if (from === target.length) return resolve()
              read(file, target, from, target.length - from, null, (error, count) => {
                if (error !== null) reject(readError(root, path, error))
                else if (count === 0) reject(shrunk(root, path))
                else next(from + count)
              })
            }
            next(0)
          }),
        close: () => new Promise((resolve) => close(file, () => resolve()))
      })
    })
  )

/** As `openContextFile`, for a file that can be read without waiting. */
export const openLocalFile = (root: string, path: string): OpenContextFile => {
  const attempt = <A>(action: () => A): A => {
    try {
      return action()
    } catch (error) {
      throw readError(root, path, error)
    }
  }
  const file = attempt(() => openSync(`${root}/${path}`, flags))
  return {
    fill: (target) => {
      for (let filled = 0; filled < target.length;) {
        const count = attempt(() => readSync(file, target, filled, target.length - filled, null))
        if (count === 0) throw shrunk(root, path)
        filled += count
      }
      return undefined
    },
    close: () => {
      closeSync(file)
      return undefined
    }
  }
}
