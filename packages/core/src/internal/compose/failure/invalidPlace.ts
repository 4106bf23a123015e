import * as Effect from "effect/Effect"
import { readText } from "../readText.js"
import { findYamlPosition, findYamlProblem, type YamlPosition } from "../yaml/yamlProblem.js"
import type { FailureText } from "./failureTexts.js"

/** A place in one of the files of a project. */
export interface InvalidPlace {
  readonly file: string
  readonly position?: YamlPosition
}

/** What compose names as the place: `services.web.ports`, and a property there that it does not know. */
const pathIn = (
  words: string,
  { property, service }: { readonly property?: string; readonly service?: string | undefined }
): ReadonlyArray<string> | undefined => {
  const [, named] = /\b((?:services|networks|volumes|secrets|configs)\.[^\s:,]+)/.exec(words) ?? []
  if (named === undefined) {
    return service === undefined ? undefined : ["services", service, ...(property === undefined ? [] : [property])]
  }
  const path = named.split(/[.[\]]+/).filter((part) => part !== "")
  const [, plain, quoted] = /[Aa]dditional propert(?:y (\S+)|ies '([^']+)')/.exec(words) ?? []
  const unknown = plain ?? quoted
  return unknown === undefined ? path : [...path, unknown]
}

const yaml = /\.ya?ml$/i

/**
 * The place that is wrong in the files of a project. Compose names no column, and often another line than the one that is
 * wrong. `undefined` if it may be in another file, which these include.
 */
export const invalidPlace = (
  words: string,
  at: Pick<FailureText, "file" | "service"> & { readonly property?: string },
  files: ReadonlyArray<string>
): Effect.Effect<InvalidPlace | undefined> =>
  Effect.gen(function* () {
    if (at.file !== undefined && !yaml.test(at.file)) return undefined
    const texts = yield* Effect.forEach(at.file === undefined ? files : [at.file], (candidate) =>
      Effect.map(readText(candidate), (text) => ({ file: candidate, text: text ?? "" }))
    )
    for (const { file, text } of texts) {
      const problem = yield* findYamlProblem(text)
      if (problem !== undefined) return { file, position: { line: problem.line, column: problem.column } }
    }
    const path = pathIn(words, at)
    if (path !== undefined) {
      // The last file decides what counts.
      for (const { file, text } of texts.toReversed()) {
        const position = yield* findYamlPosition(text, path)
        if (position !== undefined) return { file, position }
      }
    }
    const [only, ...more] = texts
    const mayIncludeOthers = texts.some(({ text }) => /^["']?include["']?:|\bextends["']?:/m.test(text))
    return only === undefined || more.length > 0 || mayIncludeOthers ? undefined : { file: only.file }
  })
