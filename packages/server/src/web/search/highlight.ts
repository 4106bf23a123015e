import { readTokens } from "../../search/text/queryTokens.js"

/** A part of a line, and whether it is what was looked for. */
export interface Part {
  readonly text: string
  readonly isHit: boolean
}

/** Of a longer line, only the part around the first hit is shown. */
const maxShown = 2_000
const leading = 200

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

/**
 * The literal texts of a query, as one expression. Not its expressions: what RE2 finds in linear time could hold a browser for
 * ever.
 */
const literalsOf = (query: string): RegExp | undefined => {
  const texts = readTokens(query).flatMap((token) =>
    token.kind === "term" && token.sign !== "-" && "text" in token.term ? escape(token.term.text) : []
  )
  return texts.length === 0 ? undefined : new RegExp(texts.join("|"), "giu")
}

/** Splits a line into what was looked for and what stands between. */
export const highlight = (text: string, query: string): ReadonlyArray<Part> => {
  const literals = literalsOf(query)
  const first = literals === undefined ? -1 : text.search(literals)
  const start = text.length <= maxShown || first < leading ? 0 : first - leading
  const shown = text.slice(start, start + maxShown)
  const parts: Array<Part> = start === 0 ? [] : [{ text: "…", isHit: false }]
  let end = 0
  for (const { 0: hit, index } of literals === undefined ? [] : shown.matchAll(literals)) {
    if (hit === "") continue
    if (index > end) parts.push({ text: shown.slice(end, index), isHit: false })
    parts.push({ text: hit, isHit: true })
    end = index + hit.length
  }
  if (end < shown.length) parts.push({ text: shown.slice(end), isHit: false })
  if (start + maxShown < text.length) parts.push({ text: "…", isHit: false })
  return parts
}
