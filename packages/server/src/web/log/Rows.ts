import { plainText } from "./LogText.js"

/** A line of a log. */
export interface LineRow {
  readonly kind: "line"
  /** Grows by one from row to row, over all rows of a page. */
  readonly id: number
  readonly time: string
  readonly stream: "stdout" | "stderr" | "system"
  readonly text: string
}

/** What is said between the lines. */
export interface NoteRow {
  readonly kind: "note"
  readonly id: number
  readonly time: string
  readonly tone: "mark" | "gap" | "error"
  readonly text: string
}

/** What stands in a log, one under the other. */
export type Row = LineRow | NoteRow

/** How much is kept. */
export interface Limits {
  readonly rows: number
  readonly characters: number
}

/** What a row takes beside its text. */
const overhead = 64

const cost = (row: Row): number => row.text.length + overhead

/** A queue that is cut at its front without moving the rest each time. */
class Queue {
  #items: Array<Row | undefined> = []
  #start = 0

  get length(): number {
    return this.#items.length - this.#start
  }

  at(index: number): Row | undefined {
    return this.#items[this.#start + index]
  }

  push(row: Row): void {
    this.#items.push(row)
  }

  shift(): Row | undefined {
    const row = this.#items[this.#start]
    if (row === undefined) return undefined
    // Rows can be large: let go of it now.
    this.#items[this.#start++] = undefined
    if (this.#start > 10_000) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return row
  }
}

/** The rows of a log, the oldest dropped when there are too many, and those of them that a filter lets through. */
export class Rows {
  readonly #limits: Limits
  readonly #all = new Queue()
  #shown = this.#all
  #needle = ""
  #characters = 0
  #lines = 0
  #matches = 0
  #dropped = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** How many rows the filter lets through. Notes always pass. */
  get length(): number {
    return this.#shown.length
  }

  /** How many lines there are, shown or not. */
  get lines(): number {
    return this.#lines
  }

  /** How many lines the filter lets through. */
  get matches(): number {
    return this.#matches
  }

  /** How many lines were dropped so far. */
  get dropped(): number {
    return this.#dropped
  }

  get filter(): string {
    return this.#needle
  }

  /** The row at this place among those shown. */
  at(index: number): Row | undefined {
    return this.#shown.at(index)
  }

  /** Adds rows at the end. Gives back what had to go for them. */
  push(rows: Iterable<Row>): ReadonlyArray<Row> {
    for (const row of rows) {
      this.#all.push(row)
      this.#characters += cost(row)
      const passes = this.#passes(row)
      if (passes && this.#shown !== this.#all) this.#shown.push(row)
      if (row.kind === "line") {
        this.#lines++
        if (passes) this.#matches++
      }
    }
    const gone: Array<Row> = []
    while (
      this.#all.length > this.#limits.rows ||
      (this.#characters > this.#limits.characters && this.#all.length > 1)
    ) {
      const row = this.#all.shift()
      if (row === undefined) break
      gone.push(row)
      this.#characters -= cost(row)
      const shown = this.#shown === this.#all || this.#shown.at(0) === row
      if (this.#shown.at(0) === row) this.#shown.shift()
      if (row.kind === "line") {
        this.#dropped++
        this.#lines--
        if (shown) this.#matches--
      }
    }
    return gone
  }

  /** Shows only lines that hold this text. Capitals matter only when it has some. */
  setFilter(needle: string): void {
    this.#needle = needle
    if (needle === "") {
      this.#shown = this.#all
      this.#matches = this.#lines
      return
    }
    this.#shown = new Queue()
    this.#matches = 0
    for (let index = 0; index < this.#all.length; index++) {
      const row = this.#all.at(index)
      if (row === undefined || !this.#passes(row)) continue
      this.#shown.push(row)
      if (row.kind === "line") this.#matches++
    }
  }

  #passes(row: Row): boolean {
    return this.#needle === "" || row.kind === "note" || find(row.text, this.#needle)
  }
}

const hasCapitals = (needle: string): boolean => needle !== needle.toLowerCase()

const find = (text: string, needle: string): boolean => {
  const plain = plainText(text)
  return hasCapitals(needle) ? plain.includes(needle) : plain.toLowerCase().includes(needle)
}

/** Where `needle` stands in `text`, from left to right, as `[from, to]`. */
export const occurrences = (text: string, needle: string): ReadonlyArray<readonly [number, number]> => {
  const found: Array<readonly [number, number]> = []
  if (needle === "") return found
  const lower = text.toLowerCase()
  // A few letters change their length when they are made small: then the places would not fit.
  const hay = hasCapitals(needle) || lower.length !== text.length ? text : lower
  for (let from = hay.indexOf(needle); from >= 0; from = hay.indexOf(needle, from + needle.length)) {
    found.push([from, from + needle.length])
  }
  return found
}
