import Anser from "anser"
import type { Colour } from "./Color.js"
import { parseColour } from "./Color.js"

/** A run of text in one style. */
export interface Piece {
  readonly text: string
  readonly colour?: Colour
  readonly behind?: Colour
  /** `bold`, `dim`, `italic`, `underline`, `strikethrough`, `reverse`. */
  readonly decorations: ReadonlyArray<string>
}

/** So many changes of style are followed in a line; what comes after them is shown without. */
const styleLimit = 400

/** Control characters, and marks that turn the direction of text or break the line. */
const controls =
  "[\\x00-\\x08\\n\\x0b\\x0c\\x0e-\\x1a\\x1c-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]"

/**
 * What a line may hold that is not shown: controls, and terminal sequences other than colours (titles, links, clipboard, cursor). The text of
 * a sequence that never ends is left in sight.
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

/** Most lines have none of it, and are shown as they are. */
const suspicious = new RegExp(["\\x1b", "\\r", controls].join("|"))

const colour = new RegExp(["\\x1b", "\\[[\\d;]*m"].join(""), "g")

/** The line with nothing but text and colour sequences in it. */
const clean = (text: string): string =>
  suspicious.test(text) ? text.replace(unwanted, "").replaceAll("\r", "\u21b5") : text

/** The line as text alone: what a filter looks at. */
export const plainText = (text: string): string => (suspicious.test(text) ? clean(text).replace(colour, "") : text)

/** The line as runs of text, each in its style. */
export const pieces = (text: string): ReadonlyArray<Piece> => {
  const [first = "", ...styled] = clean(text).split("\u001b[")
  const found: Array<Piece> = first === "" ? [] : [{ text: first, decorations: [] }]
  const parser = new Anser()
  for (const chunk of styled.slice(0, styleLimit)) {
    const part = parser.processChunkJson(chunk, { use_classes: false }, true)
    if (part.content === "") continue
    found.push({
      text: part.content,
      ...(part.fg ? { colour: parseColour(part.fg) } : {}),
      ...(part.bg ? { behind: parseColour(part.bg) } : {}),
      // The parser goes on to change its own array.
      decorations: Array.from(part.decorations)
    })
  }
  const rest = styled.slice(styleLimit).map((chunk) => chunk.slice(chunk.indexOf("m") + 1))
  if (rest.length > 0) found.push({ text: rest.join(""), decorations: [] })
  return found
}
