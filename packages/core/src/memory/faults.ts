import type * as Duration from "effect/Duration"
import type { DockerRequest } from "../Docker.js"
import type { UnavailableReason } from "../DockerError.js"

/** Which requests a fault is for. */
export interface RequestPattern {
  /** Any when not given. */
  readonly method?: DockerRequest["method"]
  /** The whole path, `*` standing for any text between slashes; or what is found in it. Any when not given. */
  readonly path?: string | RegExp
  /** How many of them, the next ones. All when not given. */
  readonly times?: number
}

/** What happens to a request. */
export type Fault =
  | { readonly _tag: "Slow"; readonly delay: Duration.DurationInput }
  | { readonly _tag: "Answer"; readonly status: number; readonly message: string }

interface Rule {
  readonly pattern: RequestPattern
  readonly fault: Fault
  left: number
}

const escaped = (text: string) => text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*")

const fits = ({ method, path }: RequestPattern, request: DockerRequest): boolean =>
  (method === undefined || method === request.method) &&
  (path === undefined ||
    (typeof path === "string" ? new RegExp(`^${escaped(path)}$`).test(request.path) : request.path.search(path) >= 0))

/** How many requests are remembered. */
const remembered = 10_000

/** What is to go wrong, and what was asked. */
export class Faults {
  /** Why the engine can't be reached; `undefined` while it can. */
  gone: UnavailableReason | undefined
  readonly requests: Array<DockerRequest> = []
  readonly #connections = new Set<() => void>()
  #rules: Array<Rule> = []
  #cut: { readonly afterBytes: number; left: number } | undefined

  /** Takes note of what is asked. */
  asked(request: DockerRequest): void {
    this.requests.push(request)
    if (this.requests.length > remembered) this.requests.shift()
  }

  add(pattern: RequestPattern, fault: Fault): void {
    this.#rules.push({ pattern, fault, left: pattern.times ?? Number.POSITIVE_INFINITY })
  }

  /** What happens to this request, which counts for the faults that have a number of times. */
  take(request: DockerRequest): ReadonlyArray<Fault> {
    const rules = this.#rules.filter(({ left, pattern }) => left > 0 && fits(pattern, request))
    for (const rule of rules) rule.left--
    return rules.map(({ fault }) => fault)
  }

  cutAfter(afterBytes: number, times: number | undefined): void {
    this.#cut = { afterBytes, left: times ?? Number.POSITIVE_INFINITY }
  }

  /** After how many bytes the stream that is being opened is cut. */
  takeCut(): number | undefined {
    if (this.#cut === undefined || this.#cut.left <= 0) return undefined
    this.#cut.left--
    return this.#cut.afterBytes
  }

  /** Gives what takes the connection off again. */
  connected(cut: () => void): () => void {
    this.#connections.add(cut)
    return () => this.#connections.delete(cut)
  }

  /** Breaks all connections. */
  cutNow(): void {
    for (const cut of this.#connections) cut()
  }

  clear(): void {
    this.gone = undefined
    this.#rules = []
    this.#cut = undefined
  }
}
