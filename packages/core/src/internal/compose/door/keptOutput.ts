import type { LogStream } from "../../../LogEvent.js"
import type { OperationStep } from "../../../Operation.js"
import type { ComposeDecoder } from "../progress/composeDecoder.js"
import type { ComposeCall } from "./composeDoor.js"

/** How many characters of the standard output are kept. */
const outputLimit = 16 * 1024 * 1024

/** What a command has printed to its standard output. */
export class KeptOutput {
  #lines: Array<string> = []
  #length = 0

  /** Takes a line of a command, and returns the steps that it stands for. */
  take(
    { keepsOutput }: ComposeCall,
    decoder: ComposeDecoder,
    { stream, text }: { readonly stream: LogStream; readonly text: string }
  ): ReadonlyArray<OperationStep<never>> {
    if (stream === "stdout" && keepsOutput !== undefined) {
      this.#push(text)
      if (keepsOutput === "hidden") return []
    }
    return decoder.push(stream, text)
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

  #push(line: string): void {
    this.#length += line.length + 1
    if (!this.isCut) this.#lines.push(line)
  }
}
