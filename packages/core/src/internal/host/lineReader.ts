import { StringDecoder } from "node:string_decoder"

/** How many characters a line may have. What is longer is cut. */
export const maxLineLength = 1024 * 1024

/** Splits the output of a program, UTF-8, into lines without their newlines. */
export class LineReader {
  readonly #decoder = new StringDecoder("utf8")
  #partial = ""

  /** The lines that a chunk completes. */
  push(chunk: Buffer): ReadonlyArray<string> {
    const lines = (this.#partial + this.#decoder.write(chunk)).split(/\r?\n/)
    this.#partial = lines.pop() ?? ""
    while (this.#partial.length > maxLineLength) {
      lines.push(this.#partial.slice(0, maxLineLength))
      this.#partial = this.#partial.slice(maxLineLength)
    }
    return lines
  }

  /** The last line, if it has no newline. */
  end(): ReadonlyArray<string> {
    const last = this.#partial + this.#decoder.end()
    this.#partial = ""
    return last === "" ? [] : [last]
  }
}
