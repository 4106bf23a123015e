/** The engine splits a line of a TTY into records of this many bytes, each with the timestamp in front. */
const pieceSize = 16 * 1024

const space = 0x20
const newline = 0x0a
/** The longest timestamp has 35 characters, with a time zone offset instead of `Z`, and a space. */
const longestPrefix = 36
const shortestPrefix = 31
const prefix = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) /g

/**
 * Splits the log of a container with a TTY, which has no frames, into records (`timestamp text`). A record ends with a
 * newline, after 16 KiB of text, or at a timestamp in the middle of a line, which is where a run follows one whose last line
 * has no newline.
 */
export class TtySplitter {
  #rest = Buffer.alloc(0)

  /** @param onRecord called with each record. The bytes are valid only during the call. */
  constructor(readonly onRecord: (bytes: Buffer, start: number, end: number) => void) {}

  push(chunk: Uint8Array): void {
    const added = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const bytes = this.#rest.length === 0 ? added : Buffer.concat([this.#rest, added])
    const start = this.#emit(bytes, false)
    // Copied, because the chunk belongs to the connection. At most 16 KiB and two timestamps.
    this.#rest = Buffer.from(bytes.subarray(start))
  }

  /** Emits the last record, which has no newline. */
  end(): void {
    this.#emit(this.#rest, true)
    this.#rest = Buffer.alloc(0)
  }

  /**
   * Emits all complete records. Returns the offset of the first byte after them.
   *
   * @param final whether no more bytes follow
   */
  #emit(bytes: Buffer, final: boolean): number {
    let start = 0
    while (start < bytes.length) {
      const end = this.#recordEnd(bytes, start, final)
      if (end === -1) break
      this.onRecord(bytes, start, end)
      start = end
    }
    return start
  }

  #recordEnd(bytes: Buffer, start: number, final: boolean): number {
    const gap = bytes.indexOf(space, start)
    const limit = gap === -1 || gap - start > longestPrefix ? bytes.length : gap + 1 + pieceSize
    const line = bytes.subarray(0, Math.min(bytes.length, limit)).indexOf(newline, start)
    if (line !== -1) return this.#runEnd(bytes, start, line + 1)
    // The timestamp of a new run may begin before the limit and end after it, so wait for enough bytes to tell.
    if (!final && (limit === bytes.length || bytes.length < limit + shortestPrefix)) return -1
    return this.#runEnd(bytes, start, Math.min(bytes.length, limit))
  }

  /** Returns `end`, or the offset of an earlier timestamp where a new run begins. */
  #runEnd(bytes: Buffer, start: number, end: number): number {
    const text = bytes.toString("latin1", start, Math.min(bytes.length, end + longestPrefix))
    let own = ""
    for (const match of text.matchAll(prefix)) {
      if (match.index >= end - start) break
      // A timestamp that the program printed is earlier than the one that the engine put in front of the line.
      if (match.index > 0 && match[0] > own) return start + match.index
      if (match.index === 0) own = match[0]
    }
    return end
  }
}
