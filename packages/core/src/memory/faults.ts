import type * as Duration from "effect/Duration"
import type { DockerRequest } from "../Docker.js"
import type { UnavailableReason } from "../DockerError.js"

/**
 * Selects the requests that a fault applies to.
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestPattern {
  /** Any method if omitted. */
  readonly method?: DockerRequest["method"]
  /**
   * A string must match the whole path, with `*` for any text between slashes; a regular expression any part of it. Any path
   * if omitted.
   */
  readonly path?: string | RegExp
  /** The fault applies to this many of the next matching requests. All if omitted. */
  readonly times?: number
}

/** A fault of a request. */
export type Fault =
  | { readonly _tag: "Delay"; readonly delay: Duration.DurationInput }
  | { readonly _tag: "Refuse"; readonly status: number; readonly message: string }

interface Rule {
  readonly pattern: RequestPattern
  readonly fault: Fault
  remaining: number
}

interface StreamLimit {
  readonly bytes: number
  remaining: number
}

const globPattern = (glob: string): RegExp =>
  new RegExp(`^${glob.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*")}$`)

const matches = ({ method, path }: RequestPattern, request: DockerRequest): boolean =>
  (method === undefined || method === request.method) &&
  (path === undefined ||
    (typeof path === "string" ? globPattern(path).test(request.path) : request.path.search(path) >= 0))

/** The faults to inject, and the open connections that they can break. */
export class Faults {
  /** Why the engine is unreachable; `undefined` while it is reachable. */
  offline: UnavailableReason | undefined
  readonly #connections = new Set<() => void>()
  #rules: Array<Rule> = []
  #streamLimit: StreamLimit | undefined

  add(pattern: RequestPattern, fault: Fault): void {
    this.#rules.push({ pattern, fault, remaining: pattern.times ?? Number.POSITIVE_INFINITY })
  }

  /** The faults of a request. Each counts as used once. */
  take(request: DockerRequest): ReadonlyArray<Fault> {
    const rules = this.#rules.filter(({ pattern, remaining }) => remaining > 0 && matches(pattern, request))
    for (const rule of rules) rule.remaining--
    return rules.map(({ fault }) => fault)
  }

  /** Breaks the next `times` streams, or all, after `bytes`. */
  limitStreams(bytes: number, times = Number.POSITIVE_INFINITY): void {
    this.#streamLimit = { bytes, remaining: times }
  }

  /** The number of bytes after which a new stream breaks, if it does. */
  takeStreamLimit(): number | undefined {
    if (this.#streamLimit === undefined || this.#streamLimit.remaining <= 0) return undefined
    this.#streamLimit.remaining--
    return this.#streamLimit.bytes
  }

  /** Registers an open connection by the function that breaks it. Returns a function that unregisters it. */
  addConnection(breakConnection: () => void): () => void {
    this.#connections.add(breakConnection)
    return () => this.#connections.delete(breakConnection)
  }

  /** Breaks all open connections. */
  breakConnections(): void {
    for (const breakConnection of this.#connections) breakConnection()
  }

  clear(): void {
    this.offline = undefined
    this.#rules = []
    this.#streamLimit = undefined
  }
}
