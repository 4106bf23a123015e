import type { PatternList } from "../patterns/patternList.js"

/** Which paths of a context are taken. */
export interface ContextFilter {
  /** Only what these match, and what is below it. All if missing. */
  readonly include?: PatternList | undefined
  /** Nothing that these match. */
  readonly exclude?: PatternList | undefined
}

/** What the patterns said about a folder. */
export interface FolderMatch {
  readonly include: Uint8Array | undefined
  readonly exclude: Uint8Array | undefined
}

/** Whether a path is taken, is a folder that may have something in it that is, or neither. */
export type PathVerdict = "taken" | "entered" | "skipped"

/** The path of something in a folder. The path of the context itself is empty. */
export const childPath = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`)

/** Whether a path is taken, given what the patterns said about the folder above. */
export const judgePath = (
  { exclude, include }: ContextFilter,
  path: string,
  isFolder: boolean,
  above: FolderMatch | undefined,
  match: FolderMatch
): PathVerdict => {
  let isTaken = true
  if (include !== undefined && match.include !== undefined) {
    isTaken = include.matches(path, above?.include, match.include)
    if (!isTaken && !(isFolder && include.mayMatchBelow(path))) return "skipped"
  }
  if (exclude !== undefined && match.exclude !== undefined && exclude.matches(path, above?.exclude, match.exclude)) {
    if (!isFolder || !exclude.mayExceptBelow(path)) return "skipped"
    isTaken = false
  }
  return isTaken ? "taken" : isFolder ? "entered" : "skipped"
}

/** Room for what the patterns say about a path. */
export const emptyMatch = ({ exclude, include }: ContextFilter): FolderMatch => ({
  include: include?.results(),
  exclude: exclude?.results()
})
