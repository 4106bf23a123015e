import * as Effect from "effect/Effect"

/** How long is looked for the smallest difference, in milliseconds. Nothing else runs meanwhile. */
const timeout = 200

const loadDiff = Effect.promise(() => import("diff"))

const marked = (mark: string, text: string): string => {
  if (text === "") return ""
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `${mark}${line}\n`)
  return lines.join("") + (text.endsWith("\n") ? "" : "\\ No newline at end of file\n")
}

const countOf = (text: string): number => (text === "" ? 0 : text.replace(/\n$/, "").split("\n").length)

const range = (text: string): string => `${text === "" ? 0 : 1},${countOf(text)}`

/** All old lines for all new ones. */
const replacement = (path: string, source: string, before: string, after: string): string =>
  `--- ${path}\n+++ ${source}\n@@ -${range(before)} +${range(after)} @@\n${marked("-", before)}${marked("+", after)}`

/** A unified diff with three lines of context; empty if the texts are equal. */
export const unifiedDiff = (path: string, source: string, before: string, after: string): Effect.Effect<string> => {
  if (before === after) return Effect.succeed("")
  return Effect.map(loadDiff, ({ createTwoFilesPatch, FILE_HEADERS_ONLY }) => {
    const options = { context: 3, timeout, headerOptions: FILE_HEADERS_ONLY }
    // `undefined` if too much differs for the time.
    return (
      createTwoFilesPatch(path, source, before, after, undefined, undefined, options) ??
      replacement(path, source, before, after)
    )
  })
}
