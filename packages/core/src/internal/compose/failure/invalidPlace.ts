import * as Effect from "effect/Effect"
import { dirname, resolve } from "node:path"
import { readText } from "../readText.js"
import {
  findDottedPlace,
  findPort,
  findYamlProblem,
  type NamedPlace,
  otherFiles,
  type YamlPosition
} from "../yaml/yamlProblem.js"
import type { FailureText } from "./failureTexts.js"

/** A place in one of the files of a project. */
export interface InvalidPlace {
  readonly file: string
  readonly position?: YamlPosition
  readonly service?: string | undefined
}

interface ReadFile {
  readonly file: string
  readonly text: string
}

/** What compose names as the place: a path such as `services.web.ports`, and a key there that it does not take. */
const namedPath = (words: string): { readonly dotted: string; readonly key?: string } | undefined => {
  const [, parent, keyed] = /non-string key (?:in (\S+)|at top level): (.+)$/im.exec(words) ?? []
  if (keyed !== undefined) return { dotted: parent ?? "", key: keyed === "<nil>" ? "~" : keyed }
  const [, plain, quoted] = /additional propert(?:y (.+?) is|ies '([^']+)')/i.exec(words) ?? []
  const key = plain ?? quoted
  const [named] = /\b(?:services|networks|volumes|secrets|configs)[.[][^\s:,']*[^\s:,'.]/.exec(words) ?? []
  // A section, or another property at the top.
  const top = /^(?:validating : )?(\w+) (?:must|invalid|additional)/im.exec(words)?.[1]
  const dotted = named ?? top ?? (key === undefined ? undefined : "")
  if (dotted === undefined) return undefined
  return key === undefined ? { dotted } : { dotted, key }
}

/** The number or word that is no port. */
const badPort = /invalid (?:hostPort|containerPort|proto|ip address): (\S+)|invalid port range: (\S+)/i

/** The files, and those that they are made of, as far as they can be found: compose does not always say which one it means. */
const withOthers = (files: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<ReadFile>> =>
  Effect.gen(function* () {
    const found: Array<ReadFile> = []
    const queue = [...files]
    for (const file of queue) {
      const text = yield* readText(file)
      if (text === undefined) continue
      found.push({ file, text })
      const others = /["']?include["']?\s*:|\bextends["']?\s*:/.test(text) ? yield* otherFiles(text) : []
      for (const other of others.map((path) => resolve(dirname(file), path))) {
        if (!queue.includes(other) && queue.length < 50) queue.push(other)
      }
    }
    return found
  })

const yaml = /\.ya?ml$/i

/** The first that is found in the files; the last one decides what counts. */
const lastPlace = (texts: ReadonlyArray<ReadFile>, find: (text: string) => Effect.Effect<NamedPlace | undefined>) =>
  Effect.map(
    Effect.forEach(texts.toReversed(), ({ file, text }) =>
      Effect.map(find(text), (place) => (place === undefined ? [] : [{ file, ...place }]))
    ),
    (places) => places.flat().toSorted((left, right) => right.depth - left.depth)[0]
  )

/**
 * The place that is wrong in the files of a project. Compose names no column, and often another line than the one that is
 * wrong. `undefined` if it may be in a file that is not known.
 */
export const invalidPlace = (
  words: string,
  at: Pick<FailureText, "file" | "service"> & { readonly property?: string },
  files: ReadonlyArray<string>
): Effect.Effect<InvalidPlace | undefined> =>
  Effect.gen(function* () {
    if (at.file !== undefined && !yaml.test(at.file)) return undefined
    const texts = yield* withOthers(at.file === undefined ? files : [at.file])
    for (const { file, text } of texts) {
      const problem = yield* findYamlProblem(text)
      if (problem !== undefined) return { file, position: { line: problem.line, column: problem.column } }
    }
    const [, port, range] = badPort.exec(words) ?? []
    const value = port ?? range
    const path = namedPath(at.file === undefined ? words : words.replaceAll(at.file, ""))
    const { property, service } = at
    const own = at.file === undefined ? texts : texts.filter(({ file }) => file === at.file)
    const place =
      value !== undefined
        ? yield* lastPlace(own, (text) => findPort(text, value))
        : path !== undefined
          ? yield* lastPlace(own, (text) => findDottedPlace(text, path.dotted, path.key))
          : service !== undefined
            ? yield* lastPlace(own, (text) => findDottedPlace(text, `services.${service}`, property))
            : undefined
    if (place !== undefined) return place
    const [only, ...more] = texts
    return only === undefined || more.length > 0 || files.length > 1 ? undefined : { file: only.file }
  })
