import * as Effect from "effect/Effect"
import { basename, join } from "node:path"
import { readText } from "../readText.js"
import type { LocatedProject } from "./composeProject.js"

/** The name that compose makes of a folder's name. */
export const folderName = (directory: string): string =>
  basename(directory)
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, "")
    .replace(/^[-_]+/, "")

/** What a file says of the name: nothing, a plain name, or something that only compose can read. */
const namedIn = (text: string): { readonly name?: string } | "unclear" => {
  // A key of a block mapping starts its line. With anything else at the top of the document, only a parser can tell.
  if (/^\s*\{|^---|^\t|^\?/m.test(text)) return "unclear"
  const lines = text.match(/^["']?name["']?\s*:.*$/gm) ?? []
  const [line, ...more] = lines
  if (line === undefined) return {}
  const [, name] = /^name:\s+(?:"([^"\\$]*)"|'([^'$]*)'|([a-z0-9][a-z0-9_-]*))\s*(?:#.*)?$/
    .exec(line)
    ?.filter((group) => group !== undefined) ?? [line, undefined]
  return name === undefined || name === "" || more.length > 0 ? "unclear" : { name }
}

/**
 * The name of a project, as compose finds it: what is given, the environment, the files, or the folder. `undefined` if it takes
 * compose to tell.
 */
export const knownProjectName = (project: LocatedProject): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    if (project.name !== undefined) return project.name
    const own = project.env["COMPOSE_PROJECT_NAME"]
    if (own !== undefined && own !== "") return own
    const isNamed = (name: string) => project.env[name] !== undefined
    if (isNamed("COMPOSE_FILE")) return undefined
    const envFiles = project.envFiles.length > 0 ? project.envFiles : [join(project.directory, ".env")]
    for (const text of yield* Effect.forEach(envFiles, readText)) {
      if (text !== undefined && /COMPOSE_(?:PROJECT_NAME|FILE|PATH_SEPARATOR)/.test(text)) return undefined
    }
    if (project.knownFiles.length === 0) return undefined
    let name: string | undefined
    for (const text of yield* Effect.forEach(project.knownFiles, readText)) {
      const named = namedIn(text ?? "")
      if (named === "unclear") return undefined
      name = named.name ?? name
    }
    return name ?? (folderName(project.directory) || undefined)
  })
