import { StringDecoder } from "node:string_decoder"
import type { Redactor } from "./redactor.js"

/** How many characters a line may have. A longer one is delivered as several lines. */
export const maxLineLength = 256 * 1024

/** Puts the pieces of one output together to lines without their newlines, and replaces the secret values in them. */
export class LineAssembler {
  readonly #decoder = new StringDecoder("utf8")
  readonly #redactor: Redactor
  #partial = ""

  constructor(redactor: Redactor) {
    this.#redactor = redactor
  }

  /** The lines that a piece completes: bytes, which may end in the middle of a character, or text. */
  push(piece: Uint8Array | string): ReadonlyArray<string> {
    const added = typeof piece === "string" ? piece : this.#decoder.write(Buffer.from(piece))
    const lines = added.split("\n")
    const first = lines[0] ?? ""
    lines[0] = this.#partial + first
    this.#partial = lines.pop() ?? ""
    const whole = lines.flatMap((line) => this.#bounded(line.endsWith("\r") ? line.slice(0, -1) : line))
    while (this.#partial.length > 2 * maxLineLength) {
      const cut = this.#cut(this.#partial, true)
      if (cut === 0) break
      whole.push(this.#redactor.text(this.#partial.slice(0, cut)))
      this.#partial = this.#partial.slice(cut)
    }
    return whole
  }

  /** The last line, if it has no newline. */
  end(): ReadonlyArray<string> {
    const last = this.#partial + this.#decoder.end()
    this.#partial = ""
    return last === "" ? [] : this.#bounded(last)
  }

  /** Cuts a whole line that is too long. */
  #bounded(line: string): ReadonlyArray<string> {
    const parts: Array<string> = []
    let rest = line
    while (rest.length > maxLineLength) {
      const cut = this.#cut(rest, false)
      parts.push(this.#redactor.text(rest.slice(0, cut)))
      rest = rest.slice(cut)
    }
    parts.push(this.#redactor.text(rest))
    return parts
  }

  /** Where to cut: not inside a secret value, and not between two halves of a character. */
  #cut(text: string, isContinued: boolean): number {
    const cut = this.#redactor.cut(text, maxLineLength, isContinued)
    const code = text.charCodeAt(cut - 1)
    return cut > 1 && code >= 0xd800 && code <= 0xdbff ? cut - 1 : cut
  }
}
