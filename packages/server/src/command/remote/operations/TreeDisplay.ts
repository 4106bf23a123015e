import type { SocketEvents } from "../../../client/index.js"
import type { WireLine } from "../../../Wire.js"
import { plainText, terminalText } from "../terminalText.js"
import { endingText } from "./LineDisplay.js"
import { durationText } from "./operationText.js"
import { type ItemState, ProgressTree, type Row } from "./ProgressTree.js"
import type { OperationDisplay, OperationEnding } from "./watchOperation.js"

/** Time between two drawings, in milliseconds. */
const interval = 100
/** How long a line waits for the progress that says the same, in milliseconds. */
const patience = 150

const marks: Readonly<Record<ItemState, readonly [mark: string, color: number]>> = {
  working: ["●", 36],
  done: ["✔", 32],
  failed: ["✘", 31]
}

const colored = (color: number, text: string): string => `\u001b[${color}m${text}\u001b[0m`

/** How many columns are left for what is said of an item. */
const wordsWidth = 36

/** A name in so many columns. Its end tells it from others of the same stack, so the middle is left out. */
const shortened = (name: string, width: number): string => {
  if (name.length <= width) return name.padEnd(width)
  const end = Math.floor(width / 2)
  return `${name.slice(0, width - end - 1)}…${name.slice(-end)}`
}

/** Draws the progress of an operation on a terminal, and prints above it the lines that say something else. */
export class TreeDisplay implements OperationDisplay {
  readonly #title: string
  readonly #terminal: NodeJS.WriteStream
  readonly #tree = new ProgressTree()
  readonly #startedAt = Date.now()
  /** Lines that the progress to come may say as well. */
  #held: Array<{ readonly text: string; readonly since: number }> = []
  /** How many rows of the terminal the drawing takes. */
  #height = 0
  #timer: NodeJS.Timeout | undefined
  /** Below the drawing. */
  #question: string | undefined

  constructor(title: string, terminal: NodeJS.WriteStream) {
    this.#title = title
    this.#terminal = terminal
    this.#timer = setInterval(() => this.#draw(), interval)
  }

  readonly lines = (lines: ReadonlyArray<WireLine>): void => {
    const since = Date.now()
    for (const [, , text] of lines) if (text.trim() !== "") this.#held.push({ text, since })
  }

  readonly progress = (progress: SocketEvents["docker_progress"]): void => {
    this.#tree.update(progress, Date.now())
    this.#held = this.#held.filter(({ text }) => !this.#tree.tells(text))
  }

  readonly say = (text: string): void => this.#draw([`-- ${plainText(text)} --`])

  readonly end = (end: OperationEnding): void => {
    this.#question = undefined
    this.#held = this.#held.map(({ text }) => ({ text, since: 0 }))
    this.#draw()
    this.stop()
    if (end.success) return
    const lines = end.failure?.["last_lines"]
    const shown = Array.isArray(lines) ? lines.filter((line) => typeof line === "string") : []
    const above = shown
      .filter((line) => line.trim() !== "" && !this.#tree.tells(line))
      .map((line) => `  ${plainText(line)}`)
    this.#terminal.write([...above, endingText(end), ""].join("\n"))
  }

  /** Asks below the drawing; `undefined` takes the question back. */
  ask(question: string | undefined): void {
    this.#question = question
    this.#draw()
  }

  /** Draws no more. What was drawn stays. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #draw(above: ReadonlyArray<string> = []): void {
    if (this.#timer === undefined) return
    const now = Date.now()
    const due = this.#held.filter(({ since }) => now - since >= patience)
    this.#held = this.#held.filter(({ since }) => now - since < patience)
    const columns = this.#terminal.columns || 80
    const height = this.#terminal.rows || 24
    const printed = [...above, ...due.map(({ text }) => terminalText(text))]
    const drawing = this.#drawing(Math.max(1, height - 3), columns, now)
    const back = this.#height === 0 ? "" : `\u001b[${this.#height}A`
    this.#height = drawing.length
    this.#terminal.write(`${back}\r\u001b[J${[...printed, ...drawing].map((line) => `${line}\n`).join("")}`)
  }

  #drawing(max: number, columns: number, now: number): ReadonlyArray<string> {
    const { all, done } = this.#tree.counts
    const { hidden, rows } = this.#tree.rows(max - 1, now)
    const width = Math.max(0, ...rows.map(({ depth, label }) => label.length + 2 * depth))
    const labelWidth = Math.min(width, Math.max(12, columns - wordsWidth))
    const head = `[+] ${this.#title} ${all === 0 ? "" : `${done}/${all} `}${durationText(now - this.#startedAt)}`
    return [
      head.slice(0, columns - 1),
      ...rows.map((row) => this.#row(row, labelWidth, columns)),
      ...(hidden === 0 ? [] : [`   … and ${hidden} more`]),
      ...(this.#question === undefined ? [] : [this.#question.slice(0, columns - 1)])
    ]
  }

  #row({ depth, label, state, took, words }: Row, labelWidth: number, columns: number): string {
    const [mark, color] = marks[state]
    const indent = " ".repeat(1 + 2 * depth)
    const name = shortened(label, labelWidth - 2 * depth)
    const left = columns - indent.length - 2 - name.length - 2 - 1
    const room = Math.max(0, left - took.length - 2)
    const text = words.slice(0, room)
    return `${indent}${colored(color, mark)} ${name}  ${text}${took === "" ? "" : `  ${took}`}`
  }
}
