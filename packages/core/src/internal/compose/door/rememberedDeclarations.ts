import type { ProjectDeclaration } from "./projectConfig.js"

/** How many are remembered: more projects than an engine has, most often. */
const most = 256

/** What projects declare, by a hash of all that it depends on. The oldest are forgotten. */
export class RememberedDeclarations {
  readonly #known = new Map<string, ProjectDeclaration>()

  get(inputs: string): ProjectDeclaration | undefined {
    const found = this.#known.get(inputs)
    if (found !== undefined) this.set(inputs, found)
    return found
  }

  set(inputs: string, declaration: ProjectDeclaration): void {
    this.#known.delete(inputs)
    this.#known.set(inputs, declaration)
    const [oldest] = this.#known.keys()
    if (this.#known.size > most && oldest !== undefined) this.#known.delete(oldest)
  }
}
