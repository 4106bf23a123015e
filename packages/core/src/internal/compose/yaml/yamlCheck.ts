import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap
} from "yaml"
import type { YamlPosition, YamlProblem } from "./yamlProblem.js"

/** Parsing takes about 20 microseconds a token, and nothing else runs meanwhile. */
const maxTokens = 100_000

/** As deep as no compose file is, and far from the end of the stack. */
const maxDepth = 200

/** Nodes with all aliases expanded. Compose expands them too, and takes minutes for ten million. */
const maxExpandedNodes = 100_000

/** Rejected by compose: all but the printable characters of the YAML specification. */
const control = /[^\t\n\r\x20-\x7E\x85\xA0-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

/** A problem before its position is counted. */
interface Found {
  readonly code: string
  readonly offset: number
  readonly detail: string
}

const offsetOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)

/** A value that was given an anchor, once it is known in full. */
interface Anchored {
  size: number | undefined
}

/** Walks a document in its order. Aliases refer to what stands before them. */
class Walk {
  readonly #anchors = new Map<string, Anchored>()
  #expanded = 0

  /** The first problem in a node. */
  visit(node: unknown, depth = 0): Found | undefined {
    const before = this.#expanded
    this.#expanded += 1
    if (this.#expanded > maxExpandedNodes)
      return {
        code: "RESOURCE_EXHAUSTION",
        offset: offsetOf(node),
        detail: `the aliases expand to more than ${maxExpandedNodes} values`
      }
    if (depth > maxDepth)
      return { code: "RESOURCE_EXHAUSTION", offset: offsetOf(node), detail: `nested deeper than ${maxDepth} levels` }
    if (isAlias(node)) return this.#visitAlias(node.source, offsetOf(node))
    const name = isNode(node) && "anchor" in node && typeof node.anchor === "string" ? node.anchor : undefined
    const anchored: Anchored = { size: undefined }
    if (name !== undefined) this.#anchors.set(name, anchored)
    const found = isMap(node)
      ? this.#visitMap(node, depth)
      : isSeq(node)
        ? this.#first(node.items, (item) => this.visit(item, depth + 1))
        : undefined
    anchored.size = this.#expanded - before
    return found
  }

  #visitAlias(name: string, offset: number): Found | undefined {
    const anchored = this.#anchors.get(name)
    if (anchored === undefined)
      return { code: "BAD_ALIAS", offset, detail: `the alias *${name} has no anchor &${name} before it` }
    if (anchored.size === undefined)
      return { code: "ALIAS_CYCLE", offset, detail: `the alias *${name} is inside the value that it stands for` }
    this.#expanded += anchored.size
    return undefined
  }

  #visitMap({ items }: YAMLMap, depth: number): Found | undefined {
    const keys = new Set<string>()
    return this.#first(items, ({ key, value }) => {
      const offset = offsetOf(key)
      if (isMap(key) || isSeq(key)) return { code: "NON_STRING_KEY", offset, detail: "a key must be a string" }
      // Compose compares keys as they are written, without their quotes.
      const text = isScalar(key) ? (key.source ?? String(key.value)) : undefined
      if (text !== undefined && keys.has(text))
        return { code: "DUPLICATE_KEY", offset, detail: `the key ${JSON.stringify(text)} occurs twice` }
      if (text !== undefined) keys.add(text)
      return this.visit(key, depth + 1) ?? this.visit(value, depth + 1)
    })
  }

  #first<A>(items: ReadonlyArray<A>, visit: (item: A) => Found | undefined): Found | undefined {
    for (const item of items) {
      const found = visit(item)
      if (found !== undefined) return found
    }
    return undefined
  }
}

const hasTooManyTokens = (text: string): boolean => {
  let tokens = 0
  for (const _ of new Lexer().lex(text)) if (++tokens > maxTokens) return true
  return false
}

const rootProblem = (document: Document.Parsed): Found | undefined => {
  const { contents } = document
  if (isMap(contents)) return undefined
  const offset = contents === null ? document.range[0] : offsetOf(contents)
  return { code: "NOT_A_MAPPING", offset, detail: "the top level must be a mapping" }
}

/** Parses a text that has no problem, or to find it. */
export const parseYaml = (text: string, lineCounter?: LineCounter): ReadonlyArray<Document.Parsed> =>
  parseAllDocuments(text, {
    logLevel: "silent",
    prettyErrors: false,
    // Takes a time that is quadratic in the number of keys; ours doesn't.
    uniqueKeys: false,
    ...(lineCounter === undefined ? {} : { lineCounter })
  })

const firstProblem = (text: string, lineCounter: LineCounter): Found | undefined => {
  const invalid = control.exec(text)
  if (invalid !== null)
    return { code: "CONTROL_CHARACTER", offset: invalid.index, detail: "control characters are not allowed" }
  if (hasTooManyTokens(text)) return { code: "TOO_COMPLEX", offset: 0, detail: `it has more than ${maxTokens} tokens` }
  const documents = parseYaml(text, lineCounter)
  for (const document of documents) {
    const [error] = document.errors.toSorted((left, right) => left.pos[0] - right.pos[0])
    if (error !== undefined) return { code: error.code, offset: error.pos[0], detail: error.message }
    const found = rootProblem(document) ?? new Walk().visit(document.contents)
    if (found !== undefined) return found
  }
  const isEmpty = documents.every(({ contents }) => isMap(contents) && contents.items.length === 0)
  return isEmpty ? { code: "EMPTY", offset: 0, detail: "the file is empty" } : undefined
}

/** The position of an offset in a text, as `linePos` counts it. */
export const positionOf = (text: string, lineCounter: LineCounter, offset: number): YamlPosition => {
  if (lineCounter.lineStarts.length === 0) {
    const before = text.slice(0, offset).split("\n")
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
  }
  const { col, line } = lineCounter.linePos(offset)
  return { line, column: col }
}

/** As in `yamlProblem.ts`. */
export const findYamlProblem = (text: string): YamlProblem | undefined => {
  const lineCounter = new LineCounter()
  const found = firstProblem(text, lineCounter)
  if (found === undefined) return undefined
  return { code: found.code, ...positionOf(text, lineCounter, found.offset), detail: found.detail }
}

/** As in `yamlProblem.ts`. */
export const findYamlPosition = (text: string, path: ReadonlyArray<string | number>): YamlPosition | undefined => {
  const lineCounter = new LineCounter()
  if (firstProblem(text, lineCounter) !== undefined) return undefined
  let longest = 0
  let offset: number | undefined
  for (const document of parseYaml(text)) {
    let node: Node | null | undefined = document.contents
    for (const [index, part] of path.entries()) {
      const next = childAt(isAlias(node) ? node.resolve(document) : node, part)
      if (next === undefined) break
      if (index + 1 > longest) {
        longest = index + 1
        offset = next.offset
      }
      node = next.node
    }
  }
  return offset === undefined ? undefined : positionOf(text, lineCounter, offset)
}

const childAt = (
  node: Node | null | undefined,
  part: string | number
): { readonly node: Node | undefined; readonly offset: number } | undefined => {
  if (isSeq(node)) {
    const item = node.items[Number(part)]
    if (item === undefined) return undefined
    return { node: isNode(item) ? item : undefined, offset: offsetOf(isPair(item) ? item.key : item) }
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.source ?? key.value) === String(part))
  if (pair === undefined) return undefined
  return { node: isNode(pair.value) ? pair.value : undefined, offset: offsetOf(pair.key) }
}
