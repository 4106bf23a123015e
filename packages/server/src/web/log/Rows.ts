import { plainText } from "./LogText.js"

/** A log line. */
export interface LineRow {
  readonly kind: "line"
  /** Unique on the page, and increasing. */
  readonly id: number
  readonly time: string
  readonly stream: "stdout" | "stderr" | "system"
  readonly text: string
  /** Where it stands in what the server has kept, if it was read from there. */
  readonly cursor?: string
}

/** A note between log lines. */
export interface NoteRow {
  readonly kind: "note"
  readonly id: number
  readonly time: string
  readonly tone: "mark" | "gap" | "error"
  readonly text: string
  /** As for a line. */
  readonly cursor?: string
}

/** A row of the log view. */
export type Row = LineRow | NoteRow

/** How many rows and characters to keep. */
export interface Limits {
  readonly rows: number
  readonly characters: number
}

/** What a row costs in addition to its text, in characters. */
const overhead = 64

const cost = (row: Row): number => row.text.length + overhead

/** A queue whose `shift` does not move the remaining rows every time. */
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

  unshift(rows: ReadonlyArray<Row>): void {
    this.#items = [...rows, ...this.#items.slice(this.#start)]
    this.#start = 0
  }

  shift(): Row | undefined {
    const row = this.#items[this.#start]
    if (row === undefined) return undefined
    // Rows can be large, so release it now.
    this.#items[this.#start++] = undefined
    if (this.#start > 10_000) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return row
  }
}

/** The rows of a log and those of them that match a filter. The oldest rows are dropped when there are too many. */
export class Rows {
  #limits: Limits
  readonly #all = new Queue()
  #visible = this.#all
  #filter = ""
  #characters = 0
  #lines = 0
  #matches = 0
  #dropped = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** The number of rows that match the filter. Notes always do. */
  get length(): number {
    return this.#visible.length
  }

  /** The number of lines, whether they match the filter or not. */
  get lines(): number {
    return this.#lines
  }

  /** The number of lines that match the filter. */
  get matches(): number {
    return this.#matches
  }

  /** The number of lines that have been dropped. */
  get dropped(): number {
    return this.#dropped
  }

  get filter(): string {
    return this.#filter
  }

  /** The row at this index among those that match the filter. */
  at(index: number): Row | undefined {
    return this.#visible.at(index)
  }

  /** All rows, whether they match the filter or not, from the oldest on. */
  *oldest(): Generator<Row> {
    for (let index = 0; index < this.#all.length; index++) {
      const row = this.#all.at(index)
      if (row !== undefined) yield row
    }
  }

  /** Whether there is room for older rows. */
  get hasRoom(): boolean {
    return this.#all.length < this.#limits.rows && this.#characters < this.#limits.characters
  }

  /** How many rows are kept from now on. */
  setLimits(limits: Limits): void {
    this.#limits = limits
  }

  /** Puts older rows in front. */
  prepend(rows: ReadonlyArray<Row>): void {
    const matching = this.#visible === this.#all ? rows : rows.filter((row) => this.#matchesFilter(row))
    if (this.#visible !== this.#all) this.#visible.unshift(matching)
    this.#all.unshift(rows)
    for (const row of rows) {
      this.#characters += cost(row)
      if (row.kind === "line") this.#lines++
    }
    for (const row of matching) if (row.kind === "line") this.#matches++
  }

  /** Appends rows. Returns the rows that were dropped to make room. */
  push(rows: Iterable<Row>): ReadonlyArray<Row> {
    for (const row of rows) {
      this.#all.push(row)
      this.#characters += cost(row)
      const matches = this.#matchesFilter(row)
      if (matches && this.#visible !== this.#all) this.#visible.push(row)
      if (row.kind === "line") {
        this.#lines++
        if (matches) this.#matches++
      }
    }
    const dropped: Array<Row> = []
    while (
      this.#all.length > this.#limits.rows ||
      (this.#characters > this.#limits.characters && this.#all.length > 1)
    ) {
      const row = this.#all.shift()
      if (row === undefined) break
      dropped.push(row)
      this.#characters -= cost(row)
      const wasVisible = this.#visible === this.#all || this.#visible.at(0) === row
      if (this.#visible.at(0) === row) this.#visible.shift()
      if (row.kind === "line") {
        this.#dropped++
        this.#lines--
        if (wasVisible) this.#matches--
      }
    }
    return dropped
  }

  /** Filters lines by text. The match is case-sensitive only if the text has capitals. */
  setFilter(filter: string): void {
    this.#filter = filter
    if (filter === "") {
      this.#visible = this.#all
      this.#matches = this.#lines
      return
    }
    this.#visible = new Queue()
    this.#matches = 0
    for (let index = 0; index < this.#all.length; index++) {
      const row = this.#all.at(index)
      if (row === undefined || !this.#matchesFilter(row)) continue
      this.#visible.push(row)
      if (row.kind === "line") this.#matches++
    }
  }

  #matchesFilter(row: Row): boolean {
    return this.#filter === "" || row.kind === "note" || includes(row.text, this.#filter)
  }
}

const hasCapitals = (text: string): boolean => text !== text.toLowerCase()

const includes = (text: string, needle: string): boolean => {
  const plain = plainText(text)
  return hasCapitals(needle) ? plain.includes(needle) : plain.toLowerCase().includes(needle)
}

/** The occurrences of `needle` in `text`, from left to right, as `[start, end]`. */
export const occurrences = (text: string, needle: string): ReadonlyArray<readonly [number, number]> => {
  const found: Array<readonly [number, number]> = []
  if (needle === "") return found
  const lower = text.toLowerCase()
  // Lowercasing changes the length of a few letters, and then the indices would not fit.
  const haystack = hasCapitals(needle) || lower.length !== text.length ? text : lower
  for (let from = haystack.indexOf(needle); from >= 0; from = haystack.indexOf(needle, from + needle.length)) {
    found.push([from, from + needle.length])
  }
  return found
}
