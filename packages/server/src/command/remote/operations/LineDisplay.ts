import type { SocketEvents } from "../../../client/index.js"
import type { WireLine } from "../../../Wire.js"
import { LogPrinter } from "../logs/LogPrinter.js"
import { note } from "../Output.js"
import { plainText } from "../terminalText.js"
import type { OperationDisplay, OperationEnding } from "./watchOperation.js"

/** How an operation ended: a sentence without its full stop. */
export const endingText = ({ error, operation_type, status }: OperationEnding): string =>
  `${operation_type} ${status}${error === undefined ? "" : `: ${plainText(error)}`}`

/** Prints the lines of an operation. Its progress is in them. */
export class LineDisplay implements OperationDisplay {
  readonly #printer: LogPrinter

  constructor(raw: boolean) {
    this.#printer = new LogPrinter({ timestamps: false, prefix: false, json: undefined, split: false, raw }, [], false)
  }

  readonly lines = (lines: ReadonlyArray<WireLine>): void => {
    for (const [timestamp, stream, text, part] of lines) this.#printer.add({ name: "", timestamp, stream, text, part })
    this.#printer.flush()
  }

  readonly progress = (): void => {}

  readonly say = (text: string): void => {
    this.#printer.interject()
    note(text)
  }

  readonly end = (end: OperationEnding): void => this.say(endingText(end))
}

/** Prints lines, progress and the end as they are on the wire, each as a JSON object. */
export class JsonDisplay implements OperationDisplay {
  readonly lines = (lines: ReadonlyArray<WireLine>): void => {
    for (const [timestamp, stream, text] of lines) this.#print({ event: "line", timestamp, stream, text })
  }

  readonly progress = ({ current, id, status, timestamp, total }: SocketEvents["docker_progress"]): void =>
    this.#print({ event: "progress", timestamp, id, status, current, total })

  readonly say = note

  readonly end = ({ error, failure, log_id, status, success, timestamp }: OperationEnding): void =>
    this.#print({ event: "end", timestamp, log_id, status, success, error, failure })

  #print(value: object): void {
    process.stdout.write(`${JSON.stringify(value)}\n`)
  }
}
