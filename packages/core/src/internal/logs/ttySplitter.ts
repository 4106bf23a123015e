/** Records in a TTY container's log are cut at this many bytes, and each piece begins with the timestamp again. */
const pieceSize = 16 * 1024

const space = 0x20
const newline = 0x0a
/** The longest timestamp is 35 characters (an offset in place of `Z`) and a space. */
const longestPrefix = 36
const shortestPrefix = 31
const prefix = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) /g

/**
 * Finds records (`timestamp text`) in the log of a container with a TTY, which has no frames: a record ends with a newline,
 * or after 16 KiB of text, or where a new timestamp stands in mid-line because the run before ended without a newline.
 */
export class TtySplitter {
  #rest = Buffer.alloc(0)

  /** @param whole called with each record: the bytes from `start` to `end`, valid during the call only */
  constructor(readonly whole: (bytes: Buffer, start: number, end: number) => void) {}

  push(chunk: Uint8Array): void {
    const added = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const bytes = this.#rest.length === 0 ? added : Buffer.concat([this.#rest, added])
    const start = this.#give(bytes, false)
    // Copied, as the chunk belongs to the connection; at most two prefixes and 16 KiB.
    this.#rest = Buffer.from(bytes.subarray(start))
  }

  /** Gives out the record that the bytes so far end in. */
  end(): void {
    this.#give(this.#rest, true)
    this.#rest = Buffer.alloc(0)
  }

  /** Gives out records; gives the position of the first byte that is not in one. `final`: no more bytes come. */
  #give(bytes: Buffer, final: boolean): number {
    let start = 0
    while (start < bytes.length) {
      const end = this.#recordEnd(bytes, start, final)
      if (end === -1) break
      this.whole(bytes, start, end)
      start = end
    }
    return start
  }

  #recordEnd(bytes: Buffer, start: number, final: boolean): number {
    const gap = bytes.indexOf(space, start)
    const limit = gap === -1 || gap - start > longestPrefix ? bytes.length : gap + 1 + pieceSize
    const line = bytes.subarray(0, Math.min(bytes.length, limit)).indexOf(newline, start)
    if (line !== -1) return this.#runEnd(bytes, start, line + 1)
    // The timestamp of a new run may begin before the limit and end behind it. Behind a whole piece there always comes one.
    if (!final && (limit === bytes.length || bytes.length < limit + shortestPrefix)) return -1
    return this.#runEnd(bytes, start, Math.min(bytes.length, limit))
  }

  /** `end`, or where a new run begins before it. */
  #runEnd(bytes: Buffer, start: number, end: number): number {
    const text = bytes.toString("latin1", start, Math.min(bytes.length, end + longestPrefix))
    let own = ""
    for (const match of text.matchAll(prefix)) {
      if (match.index >= end - start) break
      // A program that prints the time prints one before that at which the engine read its line.
      if (match.index > 0 && match[0] > own) return start + match.index
      if (match.index === 0) own = match[0]
    }
    return end
  }
}
