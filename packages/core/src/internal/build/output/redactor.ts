import * as Redacted from "effect/Redacted"

/** What stands in the place of a secret value. */
const replacement = "<redacted>"

/** Lines of a value that are shorter than this are not secrets by themselves, such as the braces of a JSON file. */
const minLineLength = 4

/** The forms in which a value may appear: as it is, in quotes as the builder writes them, and line by line. */
const formsOf = (value: string): ReadonlyArray<string> => {
  const lines = value.split(/\r?\n/).map((line) => line.trim())
  const parts = lines.length === 1 ? lines : [value, ...lines.filter(({ length }) => length >= minLineLength)]
  return parts.flatMap((part) => [part, JSON.stringify(part).slice(1, -1)]).filter((form) => form.trim() !== "")
}

/** Replaces secret values in texts. More values may be added at any time. */
export class Redactor {
  readonly #forms = new Set<string>()
  #longest = 0

  constructor(values: Iterable<Redacted.Redacted> = []) {
    for (const value of values) this.add(value)
  }

  add(value: Redacted.Redacted): void {
    for (const form of formsOf(Redacted.value(value))) {
      this.#forms.add(form)
      this.#longest = Math.max(this.#longest, form.length)
    }
  }

  /** The text with all secret values replaced. */
  text(text: string): string {
    const found = this.#find(text)
    if (found.length === 0) return text
    let result = ""
    let from = 0
    for (const [start, end] of found) {
      result += text.slice(from, start) + replacement
      from = end
    }
    return result + text.slice(from)
  }

  /**
   * Where to cut a text that is too long, at `end` or so: never inside a secret value. If the text is to be continued, not inside
   * one that may end in what follows either; 0 if that leaves no place to cut.
   */
  cut(text: string, end: number, isContinued: boolean): number {
    if (this.#longest === 0) return end
    const [start, stop] = this.#find(text).find(([start, stop]) => start < end && stop > end) ?? [end, end]
    const cut = start === 0 ? stop : start
    if (!isContinued) return cut
    for (let offset = Math.max(0, text.length - this.#longest + 1); offset < cut; offset++) {
      const rest = text.slice(offset)
      for (const form of this.#forms) if (form.startsWith(rest)) return offset
    }
    return cut
  }

  /** The ranges of the secret values, in order. Ranges that overlap or touch are one. */
  #find(text: string): ReadonlyArray<readonly [start: number, end: number]> {
    const ranges: Array<[number, number]> = []
    for (const form of this.#forms) {
      for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
        ranges.push([start, start + form.length])
      }
    }
    if (ranges.length < 2) return ranges
    const merged: Array<[number, number]> = []
    for (const range of ranges.toSorted(([one], [other]) => one - other)) {
      const last = merged.at(-1)
      if (last === undefined || range[0] > last[1]) merged.push(range)
      else last[1] = Math.max(last[1], range[1])
    }
    return merged
  }
}
