const newline = 10
const carriageReturn = 13
const endOfTransmission = 4
const interrupt = 3

/** The effect of bytes typed on a terminal. */
export interface TerminalInput {
  /** What the terminal writes back to its screen. */
  readonly echo: Uint8Array
  /** The lines completed by this input, for the program. */
  readonly lines: ReadonlyArray<Uint8Array>
  /** Ctrl-D was pressed on an empty line. */
  readonly ended: boolean
  /** Ctrl-C was pressed. */
  readonly interrupted: boolean
}

/**
 * A terminal in its default (canonical) mode: it echoes input, hands it to the program line by line, and handles Ctrl-C and
 * Ctrl-D.
 */
export class Terminal {
  #line: Array<number> = []

  /** A program's output as it appears on the screen: each newline is preceded by a carriage return. */
  static processOutput(bytes: Uint8Array): Uint8Array {
    if (!bytes.includes(newline)) return bytes
    const output: Array<number> = []
    for (const byte of bytes) {
      if (byte === newline) output.push(carriageReturn)
      output.push(byte)
    }
    return Uint8Array.from(output)
  }

  /** Processes typed bytes; an incomplete line is kept for the next call. */
  processInput(bytes: Uint8Array): TerminalInput {
    const echo: Array<number> = []
    const lines: Array<Uint8Array> = []
    let ended = false
    let interrupted = false
    const completeLine = () => {
      lines.push(Uint8Array.from(this.#line))
      this.#line = []
    }
    for (const typed of bytes) {
      const byte = typed === carriageReturn ? newline : typed
      if (byte === interrupt) {
        // "^C"
        echo.push(94, 67)
        interrupted = true
      } else if (byte === endOfTransmission) {
        if (this.#line.length > 0) completeLine()
        else ended = true
      } else {
        this.#line.push(byte)
        echo.push(byte)
        if (byte === newline) completeLine()
      }
    }
    return { echo: Uint8Array.from(echo), lines, ended, interrupted }
  }
}
