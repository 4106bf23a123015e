/** The fields of JSON and logfmt lines. */

/** A value of a field. In logfmt, all are texts. Whole numbers of JSON with more than 15 digits are texts too, to stay exact. */
export type FieldValue = string | number | boolean | null | object

/** Long whole numbers outside of texts. */
const longNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g
const isLong = /^-?\d{16,}$/

const parseJson = (text: string): unknown => {
  const exact = /\d{16}/.test(text)
    ? text.replace(longNumber, (found) => (isLong.test(found) ? `"${found}"` : found))
    : text
  try {
    return JSON.parse(exact)
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The object in a line: all of it, or what stands behind a prefix such as a time. */
const jsonOf = (line: string): Readonly<Record<string, unknown>> | undefined => {
  const start = line.search(/\{\s*"/)
  const end = start < 0 ? -1 : line.lastIndexOf("}")
  const value = end < 0 ? undefined : parseJson(line.slice(start, end + 1))
  return isRecord(value) ? value : undefined
}

/** Which ASCII letters may stand in a key, at its start and in front of it. */
const classes = new Uint8Array(128)
const [inKey, atStart, inFront] = [1, 2, 4]
for (let code = 0; code < 128; code++) {
  const letter = String.fromCharCode(code)
  if (/[\w@./-]/.test(letter)) classes[code] = inKey
  if (/[\w@]/.test(letter)) classes[code] = inKey | atStart
  if (/[\s,;([{|]/.test(letter)) classes[code] = inFront
}
const isClass = (line: string, index: number, kind: number): boolean =>
  ((classes[line.charCodeAt(index)] ?? 0) & kind) !== 0

/** The end of a quoted text whose quote is at `start`, behind its closing quote; `undefined` if it has none. */
const quoteEnd = (line: string, start: number): number | undefined => {
  for (let index = start + 1; index < line.length; index++) {
    const letter = line[index]
    if (letter === "\\") index++
    else if (letter === '"') return index + 1
  }
  return undefined
}

const unquote = (quoted: string): string => {
  const value = quoted.includes("\\") ? parseJson(quoted) : undefined
  return typeof value === "string" ? value : quoted.slice(1, -1)
}

const valueEnd = (line: string, start: number): number => {
  for (let index = start; index < line.length; index++) if (/\s/.test(line.charAt(index))) return index
  return line.length
}

/** The pairs of a logfmt line, of which each key keeps its first value. A text without `=` is none. */
const logfmtOf = (line: string): ReadonlyMap<string, string> => {
  const pairs = new Map<string, string>()
  let hasQuotes = true
  let index = 0
  while (index < line.length) {
    if (line[index] === '"' && hasQuotes) {
      const end = quoteEnd(line, index)
      hasQuotes = end !== undefined
      index = end ?? index + 1
      continue
    }
    if (!isClass(line, index, atStart) || (index > 0 && !isClass(line, index - 1, inFront))) {
      index++
      continue
    }
    let end = index + 1
    while (end < line.length && isClass(line, end, inKey)) end++
    if (line[end] !== "=") {
      index = end
      continue
    }
    const key = line.slice(index, end)
    const quoted = line[end + 1] === '"' && hasQuotes ? quoteEnd(line, end + 1) : undefined
    index = quoted ?? valueEnd(line, end + 1)
    const raw = line.slice(end + 1, index)
    if (!pairs.has(key)) pairs.set(key, quoted === undefined ? raw.replace(/[,;)\]}]$/, "") : unquote(raw))
  }
  return pairs
}

const flatten = (value: unknown, found: Array<FieldValue>): void => {
  if (Array.isArray(value)) for (const item of value) flatten(item, found)
  else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") found.push(value)
  else if (typeof value === "object") found.push(value)
}

/** Collects the values at a path below a value. A key may have dots itself. */
const collect = (value: unknown, path: ReadonlyArray<string>, found: Array<FieldValue>): void => {
  if (path.length === 0) {
    flatten(value, found)
    return
  }
  if (Array.isArray(value)) {
    const index = /^\d{1,9}$/.test(path[0] ?? "") ? Number(path[0]) : undefined
    if (index === undefined) for (const item of value) collect(item, path, found)
    else if (index < value.length) collect(value[index], path.slice(1), found)
    return
  }
  if (!isRecord(value)) return
  for (let length = 1; length <= path.length; length++) {
    const key = path.slice(0, length).join(".")
    if (Object.hasOwn(value, key)) collect(value[key], path.slice(length), found)
  }
}

// oxlint-disable-next-line no-control-regex
const colours = /\x1b\[[\d;:]*m/g

/** The fields of one line, read when they are asked for. */
export class LineFields {
  #json: Readonly<Record<string, unknown>> | undefined | null = null
  #logfmt: ReadonlyMap<string, string> | undefined
  readonly #text: string

  constructor(readonly line: string) {
    this.#text = line.includes("\u001b") ? line.replace(colours, "") : line
  }

  /** The values at a path: several if it leads to or through an array, none if the line lacks it. */
  at(path: string, keys: ReadonlyArray<string>): ReadonlyArray<FieldValue> {
    if (this.#json === null) this.#json = jsonOf(this.#text)
    const found: Array<FieldValue> = []
    if (this.#json !== undefined) collect(this.#json, keys, found)
    if (found.length > 0) return found
    if (this.#logfmt === undefined && !this.#text.includes(`${path}=`)) return []
    this.#logfmt ??= logfmtOf(this.#text)
    const value = this.#logfmt.get(path)
    return value === undefined ? [] : [value]
  }
}
