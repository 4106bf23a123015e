import type { DockerRequest } from "../Docker.js"

const capacity = 10_000

/** The most recent requests to the engine. */
export class RequestLog {
  readonly #requests: Array<DockerRequest> = []

  /** Oldest first. */
  get requests(): ReadonlyArray<DockerRequest> {
    return [...this.#requests]
  }

  add(request: DockerRequest): void {
    this.#requests.push(request)
    if (this.#requests.length > capacity) this.#requests.shift()
  }

  clear(): void {
    this.#requests.length = 0
  }
}
