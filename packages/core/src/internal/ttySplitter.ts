/** Records in a TTY container's log are cut at this many bytes, and each piece begins with the timestamp again. */
const pieceSize = 16 * 1024

const space = 0x20
const newline = 0x0a
/** The longest timestamp is 35 characters (an offset in place of `Z`) and a space. */
const longestPrefix = 36
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
    let start = 0
    for (;;) {
      const end = this.#recordEnd(bytes, start)
      if (end === -1) break
      this.#emit(bytes, start, end)
      start = end
    }
    // Copied, as the chunk belongs to the connection; at most a prefix and 16 KiB.
    this.#rest = Buffer.from(bytes.subarray(start))
  }

  /** Gives out the record that the bytes so far end in. */
  end(): void {
    if (this.#rest.length > 0) this.#emit(this.#rest, 0, this.#rest.length)
    this.#rest = Buffer.alloc(0)
  }

  #recordEnd(bytes: Buffer, start: number): number {
    const gap = bytes.indexOf(space, start)
    if (gap === -1 || gap - start > longestPrefix) {
      const end = bytes.indexOf(newline, start)
      return end === -1 ? -1 : end + 1
    }
    const limit = gap + 1 + pieceSize
    const end = bytes.subarray(0, Math.min(bytes.length, limit)).indexOf(newline, gap + 1)
    if (end !== -1) return end + 1
    return bytes.length >= limit ? limit : -1
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    let from = start
    const text = bytes.toString("latin1", start, end)
    let own = ""
    for (const match of text.matchAll(prefix)) {
      // A program that prints the time prints one before that at which the engine read its line.
      if (match.index > 0 && match[0] > own) {
        this.whole(bytes, from, start + match.index)
        from = start + match.index
        own = match[0]
      } else if (match.index === 0) own = match[0]
    }
    this.whole(bytes, from, end)
  }
}
