import Anser from "anser"
import type { Color } from "./Color.js"
import { parseColor } from "./Color.js"

/** A run of text in one style. */
export interface TextRun {
  readonly text: string
  readonly color?: Color
  readonly background?: Color
  /** `bold`, `dim`, `italic`, `underline`, `strikethrough`, `reverse`. */
  readonly decorations: ReadonlyArray<string>
}

/** How many changes of style a line can have. The text after the last one is shown unstyled. */
const styleLimit = 400

/** Control characters, and characters that change the direction of text or break the line. */
const controls =
  "[\\x00-\\x08\\n\\x0b\\x0c\\x0e-\\x1a\\x1c-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]"

/**
 * What is removed from a line: control characters, and terminal sequences other than colors (titles, links, clipboard,
 * cursor). The text of a sequence that is never terminated is kept.
 */
const unwanted = new RegExp(
  [
    "\\x1b[\\]PX^_][^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)",
    "\\x1b\\[(?![\\d;]*m)[0-?]*[ -/]*[@-~]?",
    "\\x1b(?!\\[)[ -/]*[0-~]?",
    controls,
    "\\r$"
  ].join("|"),
  "g"
)

/** Most lines do not match and are shown as they are. */
const suspicious = new RegExp(["\\x1b", "\\r", controls].join("|"))

const colorSequence = new RegExp(["\\x1b", "\\[[\\d;]*m"].join(""), "g")

/** The line with only text and color sequences left. */
const clean = (text: string): string =>
  suspicious.test(text) ? text.replace(unwanted, "").replaceAll("\r", "\u21b5") : text

/** The text of a line without colors, as a filter matches it. */
export const plainText = (text: string): string =>
  suspicious.test(text) ? clean(text).replace(colorSequence, "") : text

/** Splits a line into runs of text that share a style. */
export const parseRuns = (text: string): ReadonlyArray<TextRun> => {
  const [first = "", ...styled] = clean(text).split("\u001b[")
  const runs: Array<TextRun> = first === "" ? [] : [{ text: first, decorations: [] }]
  const parser = new Anser()
  for (const chunk of styled.slice(0, styleLimit)) {
    const parsed = parser.processChunkJson(chunk, { use_classes: false }, true)
    if (parsed.content === "") continue
    runs.push({
      text: parsed.content,
      ...(parsed.fg ? { color: parseColor(parsed.fg) } : {}),
      ...(parsed.bg ? { background: parseColor(parsed.bg) } : {}),
      // The parser keeps changing its own array.
      decorations: Array.from(parsed.decorations)
    })
  }
  const rest = styled.slice(styleLimit).map((chunk) => chunk.slice(chunk.indexOf("m") + 1))
  if (rest.length > 0) runs.push({ text: rest.join(""), decorations: [] })
  return runs
}
