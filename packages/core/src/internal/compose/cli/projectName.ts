import * as Effect from "effect/Effect"
import { basename } from "node:path"
import { readText } from "../readText.js"
import type { LocatedProject } from "./composeProject.js"

/** The name that compose makes of a folder's name. */
export const folderName = (directory: string): string =>
  basename(directory)
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, "")
    .replace(/^[-_]+/, "")

/** Line ends of YAML that are none of regular expressions, or the other way round, and what may hide a first line. */
const oddCharacters = /[\u0085\u2028\u2029\uFEFF]|\r(?!\n)/

/** A key at the top of a plain block mapping, an item of a list below one, or the end of brackets. */
const plainLine = /^(?:[A-Za-z0-9_][\w.-]*\s*:(?:\s|$)|- |-$|[\]}])/

/** What may stand in front of a name for it to be sure that it is at the top: nothing that has more lines. */
const oneLine = /^[A-Za-z0-9_][\w.-]*: +["']?[\w.-]+["']?$/

/** A name that YAML reads as a string, and that compose takes as it is. */
const namedLine =
  /^name: +(?:"([a-z0-9][a-z0-9_-]*)"|'([a-z0-9][a-z0-9_-]*)'|(?!(?:true|false|null|yes|no|on|off)\b)([a-z][a-z0-9_-]*))(?: +#.*)?$/

/**
 * What a file says of the name: nothing, a plain name, or something that only compose can read. What looks unusual at the top
 * of the document is left to compose.
 */
const namedIn = (text: string): { readonly name?: string } | "unclear" => {
  if (oddCharacters.test(text)) return "unclear"
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*(?:#|$)/.test(line))
  const top = lines.filter((line) => !/^[ \t]/.test(line))
  if (/^[ \t]/.test(lines[0] ?? "") || !top.every((line) => plainLine.test(line))) return "unclear"
  const named = top.filter((line) => /^name\s*:/.test(line))
  if (named.length === 0) return {}
  const at = lines.findIndex((line) => line === named[0])
  const [, ...groups] = namedLine.exec(named[0]?.trimEnd() ?? "") ?? []
  const name = groups.find((group) => group !== undefined)
  const isSure =
    named.length === 1 &&
    lines.slice(0, at).every((line) => oneLine.test(line.trimEnd())) &&
    !/^[ \t]/.test(lines[at + 1] ?? "")
  return name === undefined || !isSure ? "unclear" : { name }
}

/**
 * The name of a project, as compose finds it: what is given, the environment, the files, or the folder. `undefined` if it takes
 * compose to tell.
 */
export const knownProjectName = (project: LocatedProject): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    if (project.name !== undefined) return project.name
    const own = project.settings["COMPOSE_PROJECT_NAME"]
    if (own !== undefined && own !== "") return own
    if (project.knownFiles.length === 0) return undefined
    for (const text of yield* Effect.forEach(project.knownEnvFiles, readText)) {
      if (text !== undefined && /COMPOSE_(?:PROJECT_NAME|FILE|PATH_SEPARATOR)/.test(text)) return undefined
    }
    let name: string | undefined
    for (const text of yield* Effect.forEach(project.knownFiles, readText)) {
      const named = text === undefined ? "unclear" : namedIn(text)
      if (named === "unclear") return undefined
      name = named.name ?? name
    }
    return name ?? (folderName(project.directory) || undefined)
  })
