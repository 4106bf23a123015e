import type { WirePart } from "../../../Wire.js"
import { terminalText } from "../terminalText.js"

/** How lines are printed. */
export interface LogFormat {
  readonly timestamps: boolean
  /** Whether lines begin with the name of where they are from. */
  readonly prefix: boolean
  /** If each line is a JSON object: its field for where the line is from. */
  readonly json: string | undefined
  /** Whether lines of stderr go to stderr. */
  readonly split: boolean
  /** Whether control characters are passed on to a terminal. */
  readonly raw: boolean
}

/** A line of a log, or a part of one. */
export interface PrintedLine {
  /** Where it is from: the name of a container or of an operation. */
  readonly name: string
  readonly timestamp: string
  readonly stream: string
  readonly text: string
  readonly part?: WirePart | undefined
}

const colors = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94]

/** Prints lines to stdout, and those of stderr to stderr. */
export class LogPrinter {
  readonly #format: LogFormat
  readonly #isColored: boolean
  /** The beginning of a line, by name. */
  readonly #prefixes = new Map<string, string>()
  /** What is not written yet, and where it goes. */
  #pending = ""
  #target: NodeJS.WriteStream = process.stdout
  /** Whose line is open, because its end is still to come. */
  #open: string | undefined

  constructor(format: LogFormat, names: ReadonlyArray<string>, isColored: boolean) {
    this.#format = format
    this.#isColored = isColored
    const width = Math.max(...names.map((name) => name.length), 0)
    for (const name of names) this.#addPrefix(name, width)
  }

  /** Adds a line. `flush` writes it. */
  add(line: PrintedLine): void {
    const { json, split } = this.#format
    const target = line.stream === "stderr" && split && json === undefined ? process.stderr : process.stdout
    if (target !== this.#target) {
      this.#endLine()
      this.flush()
      this.#target = target
    }
    this.#pending += json === undefined ? this.#text(line) : `${JSON.stringify(this.#object(json, line))}\n`
    if (this.#pending.length > 1_000_000) this.flush()
  }

  /** Writes what was added. */
  flush(): void {
    if (this.#pending === "") return
    this.#target.write(this.#pending)
    this.#pending = ""
  }

  /** Ends a line of which only a part was printed, before something else is. */
  interject(): void {
    this.#endLine()
    this.flush()
  }

  #object(field: string, { name, part, stream, text, timestamp }: PrintedLine): object {
    return { [field]: name, timestamp, stream, text, ...(part === undefined ? {} : { part }) }
  }

  #text({ name, part, text, timestamp }: PrintedLine): string {
    const { prefix, raw, timestamps } = this.#format
    const shown = this.#target.isTTY && !raw ? terminalText(text) : text
    const isLast = part === undefined || part.last
    const continues = this.#open === name && part !== undefined && part.index > 1
    let before = ""
    if (!continues) {
      before = this.#open === undefined ? "" : "\n"
      if (prefix) before += this.#prefixes.get(name) ?? this.#addPrefix(name, 0)
      if (timestamps) before += `${timestamp} `
    }
    this.#open = isLast ? undefined : name
    return isLast ? `${before}${shown}\n` : before + shown
  }

  #endLine(): void {
    if (this.#open === undefined) return
    this.#pending += "\n"
    this.#open = undefined
  }

  #addPrefix(name: string, width: number): string {
    const color = colors[this.#prefixes.size % colors.length]
    const text = `${name.padEnd(width)} | `
    const prefix = this.#isColored ? `\u001b[${color}m${text}\u001b[0m` : text
    this.#prefixes.set(name, prefix)
    return prefix
  }
}
