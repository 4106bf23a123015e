/** How many characters of the standard output are kept. */
const outputLimit = 16 * 1024 * 1024

/** What a command has printed to its standard output. */
export class KeptOutput {
  #lines: Array<string> = []
  #length = 0

  push(line: string): void {
    this.#length += line.length + 1
    if (!this.isCut) this.#lines.push(line)
  }

  /** Forgets it, before the command is run again. */
  clear(): void {
    this.#lines = []
    this.#length = 0
  }

  /** Whether it was longer than what is kept. */
  get isCut(): boolean {
    return this.#length > outputLimit
  }

  get text(): string {
    return this.#lines.join("\n")
  }
}
