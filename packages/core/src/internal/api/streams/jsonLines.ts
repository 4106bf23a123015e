const newline = 0x0a

/** How long a line may be unless told otherwise. The engine's own are far shorter. */
const defaultMaxBytes = 16 * 1024 * 1024

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Splits a response into its lines, which are JSON. A chunk may end anywhere in a line or a character. */
export class JsonLines {
  readonly #maxBytes: number
  #pieces: Array<Uint8Array> = []
  #size = 0

  constructor(maxBytes = defaultMaxBytes) {
    this.#maxBytes = maxBytes
  }

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
    const [only, ...more] = this.#pieces
    const isWhole = this.#size <= this.#maxBytes
    const bytes = only === undefined || more.length > 0 ? Buffer.concat(this.#pieces) : Buffer.from(only)
    this.#pieces = []
    this.#size = 0
    const text = bytes.toString("utf8").trim()
    // A line that is too long was cut, so it is text.
    return text === "" ? [] : [isWhole ? parsed(text) : text]
  }

  #keep(piece: Uint8Array): void {
    const room = this.#maxBytes - this.#size
    this.#size += piece.length
    // Copied, because the connection may write to the chunk again.
    if (piece.length > 0 && room > 0) this.#pieces.push(Uint8Array.from(piece.subarray(0, room)))
  }
}
