import type { KeptHit, KeptItem } from "../../../Api/json/ApiTypes.js"
import { gapText, markText } from "../logs/logMarks.js"
import { terminalText } from "../terminalText.js"

export interface HitPrinterOptions {
  /** Whether lines go as they are, without colors of the command. */
  readonly isPlain: boolean
  /** How many elements are shown around a line. */
  readonly context: number | undefined
}

/** What people call a source, without the engine. */
const sourceText = (source: string): string => source.slice(source.indexOf("/") + 1)

const noteText = (item: Exclude<KeptItem, { readonly _tag: "StoredLine" }>): string => {
  switch (item._tag) {
    case "GenerationMark":
      return `the kept log of container ${item.containerName} begins`
    case "MissingRecords":
      return `${item.to - item.from + 1} elements ${item.reason === "damaged" ? "are damaged" : "are not kept any longer"}`
    case "StoredMark": {
      const { mark } = item
      const name = item.containerId.slice(0, 12)
      if (mark.mark === "gap") return gapText(name, mark)
      const exitCode = mark.mark === "stopped" ? mark.exitCode : undefined
      return markText(name, mark.mark, exitCode, mark.mark === "engine_error" ? mark.message : undefined)
    }
  }
}

/** Prints lines that were found: time, source and text, as `grep` does with `:` behind a line and `-` behind what is around it. */
export class HitPrinter {
  private hasPrinted = false

  constructor(private readonly options: HitPrinterOptions) {}

  print(hits: ReadonlyArray<KeptHit>): void {
    const lines: Array<string> = []
    for (const { after, before, line } of hits) {
      if (this.options.context !== undefined && this.options.context > 0) {
        if (this.hasPrinted) lines.push("--")
        for (const item of before) lines.push(this.text(item, "-"))
      }
      lines.push(this.text(line, ":"))
      for (const item of after) lines.push(this.text(item, "-"))
      this.hasPrinted = true
    }
    if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`)
  }

  private text(item: KeptItem, sign: ":" | "-"): string {
    if (item._tag !== "StoredLine") return `-- ${noteText(item)} --`
    const { source, text, timestamp } = item
    const head = `${timestamp} ${sourceText(source)}${sign}`
    return this.options.isPlain ? `${head} ${text}` : `\u001b[2m${head}\u001b[0m ${terminalText(text)}`
  }
}
