import { type OpenContextFile, openContextFile, openLocalFile } from "./contextFile.js"

/** The milliseconds that a read from memory takes at most, unless this process was kept from going on. */
const quickRead = 0.1
/** From how many slow reads more than quick ones on a disk counts as slow, and at how many it is no longer counted. */
const [slowFrom, slowUpTo] = [4, 8]
/** While the disk counts as slow, each of so many files is read without waiting, to notice when it no longer is. */
const probe = 16

/**
 * Opens the files of a context: those that are local without waiting, as long as they are in memory. On a disk, waiting for
 * several at the same time is faster. A single slow read says little: something else may have had the processor.
 */
export class OpenedFiles {
  readonly #root: string
  readonly #isLocal: (path: string) => boolean
  #slow = 0
  #opened = 0

  constructor(root: string, isLocal: (path: string) => boolean) {
    this.#root = root
    this.#isLocal = isLocal
  }

  /** Returns a promise if it may take a while. Fails with `InvalidRequest`. */
  open(path: string): Promise<OpenContextFile> | OpenContextFile {
    this.#opened++
    const isSlow = this.#slow >= slowFrom && this.#opened % probe !== 0
    if (isSlow || !this.#isLocal(path)) return openContextFile(this.#root, path)
    const file = openLocalFile(this.#root, path)
    return {
      fill: (target) => {
        const start = performance.now()
        const filled = file.fill(target)
        const isQuick = performance.now() - start <= quickRead
        this.#slow = isQuick ? Math.max(0, this.#slow - 1) : Math.min(slowUpTo, this.#slow + 1)
        return filled
      },
      close: () => file.close()
    }
  }
}
