import * as Effect from "effect/Effect"

/** What is wrong with the text of a compose file, and where. */
export interface YamlProblem {
  /** The code of the `yaml` package, such as `BAD_INDENT` or `DUPLICATE_KEY`, or one of ours. */
  readonly code: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
  readonly detail: string
}

/** A place in a text. */
export interface YamlPosition {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
}

/** The `yaml` package takes long to load, and most programs read no compose file. */
const loadCheck = Effect.promise(() => import("./yamlCheck.js"))

/**
 * Finds the first problem of the text of a compose file: what is not YAML, or what compose rejects in any file, such as a
 * key that occurs twice. `undefined` if there is none. Services and their settings are not looked at. Takes about a second
 * at most, whatever the text: one with more than 100,000 tokens has the problem `TOO_COMPLEX`.
 */
export const findYamlProblem = (text: string): Effect.Effect<YamlProblem | undefined> =>
  Effect.map(loadCheck, (check) => check.findYamlProblem(text))

/**
 * Finds the key, or the item of a list, at a path such as `["services", "web", "ports", 0]`; if the whole path doesn't
 * exist, the last part of it that does. `undefined` if none does, or if the text has a problem.
 */
export const findYamlPosition = (
  text: string,
  path: ReadonlyArray<string | number>
): Effect.Effect<YamlPosition | undefined> => Effect.map(loadCheck, (check) => check.findYamlPosition(text, path))

/** A place that compose names. */
export interface NamedPlace {
  readonly position: YamlPosition
  /** How many of the keys that lead there exist. */
  readonly depth: number
  /** The service that it is in. */
  readonly service: string | undefined
}

const loadPlaces = Effect.promise(() => import("./yamlPlaces.js"))

/**
 * Finds the place of a path as compose writes it, such as `services.my.web.ports[0]` of a service `my.web`, or of a key there;
 * if not all of it exists, the last part that does. What is merged into a mapping counts as a part of it.
 */
export const findDottedPlace = (text: string, dotted: string, key?: string): Effect.Effect<NamedPlace | undefined> =>
  Effect.map(loadPlaces, (places) => places.findDottedPlace(text, dotted, key))

/** Finds the port of a service in which a text occurs. */
export const findPort = (text: string, value: string): Effect.Effect<NamedPlace | undefined> =>
  Effect.map(loadPlaces, (places) => places.findPort(text, value))

/** The paths of the files that a compose file includes, or that its services extend, as far as they can be read off it. */
export const otherFiles = (text: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(loadPlaces, (places) => places.otherFiles(text))

/** A compose file without what it reads of other files. */
export interface StandaloneText {
  /** The text, in which the keys that name files of variables and labels are renamed. */
  readonly text: string
  /** Whether it also is made of other files, and so cannot be checked without them. */
  readonly needsOthers: boolean
}

/**
 * Makes a compose file independent of other files as far as possible. When in doubt, it needs others. The text must have no
 * problem.
 */
export const standaloneText = (text: string): Effect.Effect<StandaloneText> =>
  Effect.map(
    Effect.promise(() => import("./otherFiles.js")),
    (otherFiles) => otherFiles.standaloneText(text)
  )
