/** How many bytes a line may have. The engine's own are at most some hundred kilobytes. */
const maxLineBytes = 64 * 1024 * 1024

const newline = 0x0a

/** Splits a response into its lines, which are JSON. */
export class JsonLines {
  #pieces: Array<Uint8Array> = []
  #size = 0

  /** The values of the lines that a chunk completes. A line that is not JSON is a string. */
  push(chunk: Uint8Array): ReadonlyArray<unknown> {
    const values: Array<unknown> = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, end))
      values.push(...this.end())
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    return values
  }

  /** The value of the last line, if it has no newline. */
  end(): ReadonlyArray<unknown> {
    const isTooLong = this.#size > maxLineBytes
    const text = isTooLong ? "WARNING: a message of the engine is too long" : this.#text()
    this.#pieces = []
    this.#size = 0
    return text === "" ? [] : [isTooLong ? text : parse(text)]
  }

  #text(): string {
    return Buffer.concat(this.#pieces).toString("utf8").trim()
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#size += piece.length
    // Copied, because the chunk belongs to the connection.
    if (this.#size <= maxLineBytes) this.#pieces.push(Uint8Array.from(piece))
    else this.#pieces = []
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
