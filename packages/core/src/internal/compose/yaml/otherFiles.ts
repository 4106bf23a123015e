import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar } from "yaml"
import { parseYaml } from "./yamlCheck.js"
import type { StandaloneText } from "./yamlProblem.js"

const renamed = new Set(["env_file", "label_file"])

/** Looks for the keys with which a file refers to others. When in doubt, it does. */
class Search {
  readonly offsets: Array<number> = []
  needsOthers = false
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  visit(node: unknown): void {
    if (isSeq(node)) for (const item of node.items) this.visit(item)
    if (isMap(node)) for (const pair of node.items) this.#visitPair(pair)
  }

  #visitPair({ key, value }: Pair): void {
    if (isScalar(key) && key.tag === undefined) this.#visitKey(key, value)
    // What such a key stands for is not clear.
    else this.needsOthers = true
    this.visit(value)
  }

  #visitKey(key: Scalar, value: unknown): void {
    if (key.value === "include") this.needsOthers = true
    if (key.value === "extends" && !this.#isInSameFile(value)) this.needsOthers = true
    if (typeof key.value !== "string" || !renamed.has(key.value)) return
    const offset = key.range?.[0] ?? 0
    const start = this.#text.startsWith(key.value, offset) ? offset : offset + 1
    if (this.#text.startsWith(key.value, start)) this.offsets.push(start)
    else this.needsOthers = true
  }

  #isInSameFile(value: unknown): boolean {
    if (isAlias(value)) return false
    return !isMap(value) || value.items.every(({ key }) => isScalar(key) && key.value === "service")
  }
}

/** As in `yamlProblem.ts`. */
export const standaloneText = (text: string): StandaloneText => {
  const search = new Search(text)
  for (const { contents } of parseYaml(text)) search.visit(contents)
  const starts = [0, ...search.offsets.toSorted((left, right) => left - right)]
  const parts = starts.map((start, index) => text.slice(start, starts[index + 1]))
  return { text: parts.join("x-"), needsOthers: search.needsOthers }
}
