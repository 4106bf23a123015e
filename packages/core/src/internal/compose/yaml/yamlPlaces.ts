import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair } from "yaml"
import { findYamlProblem, parseYaml, positionOf } from "./yamlCheck.js"
import type { NamedPlace, YamlPosition } from "./yamlProblem.js"

type Contents = Node | null | undefined

const keyOf = ({ key }: Pair): string | undefined => (isScalar(key) ? String(key.source ?? key.value) : undefined)

/** A document in which aliases are what they stand for. */
class Reader {
  readonly #document: Document.Parsed
  readonly #positionOf: (offset: number) => YamlPosition

  constructor(document: Document.Parsed, position: (offset: number) => YamlPosition) {
    this.#document = document
    this.#positionOf = position
  }

  get contents(): Contents {
    return this.#document.contents
  }

  resolved(node: unknown): Contents {
    if (isAlias(node)) return node.resolve(this.#document)
    return isNode(node) ? node : undefined
  }

  position(node: unknown): YamlPosition {
    return this.#positionOf(isNode(node) ? (node.range?.[0] ?? 0) : 0)
  }

  /** The pairs of a mapping, and behind them those that are merged into it. */
  pairs(node: unknown): ReadonlyArray<Pair> {
    const map = this.resolved(node)
    if (!isMap(map)) return []
    const merged = map.items.filter((pair) => keyOf(pair) === "<<").map(({ value }) => this.resolved(value))
    return [
      ...map.items,
      ...merged.flatMap((from) => (isSeq(from) ? from.items : [from])).flatMap((from) => this.pairs(from))
    ]
  }

  value(node: unknown, name: string): Contents {
    return this.resolved(this.pairs(node).find((pair) => keyOf(pair) === name)?.value)
  }

  items(node: unknown): ReadonlyArray<unknown> {
    const list = this.resolved(node)
    return isSeq(list) ? list.items : []
  }
}

/** Readers for the documents of a text that has no problem. */
const readers = (text: string): ReadonlyArray<Reader> => {
  if (findYamlProblem(text) !== undefined) return []
  const lineCounter = new LineCounter()
  return parseYaml(text, lineCounter).map(
    (document) => new Reader(document, (offset) => positionOf(text, lineCounter, offset))
  )
}

/** The longest key with which a dotted path can begin: keys may have dots themselves. */
const firstPair = (pairs: ReadonlyArray<Pair>, dotted: string): Pair | undefined => {
  const length = (pair: Pair) => keyOf(pair)?.length ?? 0
  return pairs
    .filter((pair) => dotted === keyOf(pair) || dotted.startsWith(`${keyOf(pair)}.`))
    .toSorted((left, right) => length(right) - length(left))[0]
}

const dottedPlace = (reader: Reader, dotted: string, key: string | undefined): NamedPlace | undefined => {
  let [node, rest]: [Contents, string] = [reader.contents, dotted]
  let position: YamlPosition | undefined
  const keys: Array<string> = []
  for (;;) {
    const pairs = reader.pairs(node)
    const pair: Pair | undefined = rest === "" ? pairs.find((pair) => keyOf(pair) === key) : firstPair(pairs, rest)
    const [number = ""] = /^\d+/.exec(rest) ?? []
    const item = pair === undefined && number !== "" ? reader.items(node)[Number(number)] : undefined
    if (pair === undefined && item === undefined) break
    position = reader.position(pair?.key ?? item)
    if (rest === "") break
    const name = pair === undefined ? number : (keyOf(pair) ?? "")
    keys.push(name)
    node = reader.resolved(pair === undefined ? item : pair.value)
    rest = rest.slice(name.length + 1)
  }
  if (position === undefined) return undefined
  const [section, service] = keys
  return { position, depth: keys.length, service: section === "services" ? service : undefined }
}

/** As in `yamlProblem.ts`. */
export const findDottedPlace = (text: string, dotted: string, key: string | undefined): NamedPlace | undefined => {
  const plain = dotted.replaceAll(/\[([^\]]*)\]/g, ".$1").replaceAll(/\.{2,}/g, ".")
  const found = readers(text).flatMap((reader) => dottedPlace(reader, plain, key) ?? [])
  return found.toSorted((left, right) => right.depth - left.depth)[0]
}

/** As in `yamlProblem.ts`. */
export const findPort = (text: string, value: string): NamedPlace | undefined => {
  for (const reader of readers(text)) {
    for (const service of reader.pairs(reader.value(reader.contents, "services"))) {
      for (const item of ["ports", "expose"].flatMap((name) => reader.items(reader.value(service.value, name)))) {
        const texts = [reader.resolved(item), ...reader.pairs(item).map((pair) => reader.resolved(pair.value))]
        if (texts.some((node) => isScalar(node) && String(node.source ?? node.value).includes(value))) {
          return { position: reader.position(item), depth: 4, service: keyOf(service) }
        }
      }
    }
  }
  return undefined
}

const textsOf = (reader: Reader, node: unknown): ReadonlyArray<string> => {
  const found = reader.resolved(node)
  if (isScalar(found)) return typeof found.value === "string" ? [found.value] : []
  return reader.items(found).flatMap((item) => textsOf(reader, item))
}

/** As in `yamlProblem.ts`. */
export const otherFiles = (text: string): ReadonlyArray<string> =>
  readers(text)
    .flatMap((reader) => {
      const include = reader.value(reader.contents, "include")
      const included = [include, ...reader.items(include)].flatMap((item) => [item, reader.value(item, "path")])
      const services = reader.pairs(reader.value(reader.contents, "services"))
      const bases = services.map(({ value }) => reader.value(reader.value(value, "extends"), "file"))
      return [...included, ...bases].flatMap((node) => textsOf(reader, node))
    })
    .filter((path) => !/\$|:\/\//.test(path))
