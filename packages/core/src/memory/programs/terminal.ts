const newline = 10
const carriageReturn = 13
const endOfInput = 4
const interrupt = 3

/** What comes of typing on a terminal. */
export interface Typed {
  /** What the terminal shows of it. */
  readonly echo: Uint8Array
  /** The lines that are complete. */
  readonly input: ReadonlyArray<Uint8Array>
  readonly ended: boolean
  readonly interrupted: boolean
}

/** A terminal as a new one is set: it echoes, gives its program whole lines, and knows Ctrl-C and Ctrl-D. */
export class Terminal {
  #line: Array<number> = []

  /** What a program writes, as the terminal shows it. */
  static shown(bytes: Uint8Array): Uint8Array {
    if (!bytes.includes(newline)) return bytes
    const shown: Array<number> = []
    for (const byte of bytes) {
      if (byte === newline) shown.push(carriageReturn)
      shown.push(byte)
    }
    return Uint8Array.from(shown)
  }

  typed(bytes: Uint8Array): Typed {
    const echo: Array<number> = []
    const input: Array<Uint8Array> = []
    let ended = false
    let interrupted = false
    const deliver = () => {
      input.push(Uint8Array.from(this.#line))
      this.#line = []
    }
    for (const typed of bytes) {
      const byte = typed === carriageReturn ? newline : typed
      if (byte === interrupt) {
        echo.push(94, 67)
        interrupted = true
      } else if (byte === endOfInput) {
        if (this.#line.length > 0) deliver()
        else ended = true
      } else {
        this.#line.push(byte)
        echo.push(byte)
        if (byte === newline) deliver()
      }
    }
    return { echo: Uint8Array.from(echo), input, ended, interrupted }
  }
}
