import { resolve } from "node:path"

/**
 * What a mount of a folder looks like, in its short form or its long one. `include` and `extends` may lead to more of them, and
 * escapes hide them.
 */
const mayBind =
  /[-[,]\s*(?:[&!]\S*\s+)*["']?(?:\.|~|\/|\$)[^\n]*?:|\bsource["']?\s*:\s*(?:[&!]\S*\s+)*["']?[.~/$]|\bcreate_host_path\b|\binclude["']?:|\bextends["']?:|\\[xuU]/g

/** One that says by itself which folder it is. */
const plainBind = /^[-[,]\s*["']?(\.{1,2}|(?:\.{1,2}|~)?\/[^\s:,"'\\${}[\]#]*|~):/

/**
 * The folders that services of these files may mount, and that compose would create: all of them, and maybe others.
 * `undefined` if it takes compose to tell.
 */
export const bindCandidates = (
  texts: ReadonlyArray<string>,
  { directory, home }: { readonly directory: string; readonly home: string | undefined }
): ReadonlyArray<string> | undefined => {
  const found = new Set<string>()
  for (const text of texts) {
    for (const [match] of text.matchAll(mayBind)) {
      const [, source] = plainBind.exec(match) ?? []
      if (source === undefined) return undefined
      if (!source.startsWith("~")) found.add(resolve(directory, source))
      else if (home === undefined) return undefined
      else found.add(resolve(home, `.${source.slice(1)}`))
    }
  }
  return [...found]
}
