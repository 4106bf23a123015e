import { batch, signal } from "@preact/signals"
import type { KeptHit, KeptItem, SearchProgress, StreamElements } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import { readKept } from "../log/readKept.js"

/** What a search is doing. */
export type SearchState =
  | { readonly kind: "idle" }
  | { readonly kind: "waiting"; readonly ahead: number }
  | { readonly kind: "running" }
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly message: string }

/** So many lines are found before one is asked whether to go on. */
const pageSize = 200

/** So many elements are shown before and after a line. */
const around = 10

/** A search over everything that the server has kept. It runs on the server, one at a time. */
export class Search {
  readonly query = signal("")
  readonly state = signal<SearchState>({ kind: "idle" })
  readonly hits = signal<ReadonlyArray<KeptHit>>([])
  readonly progress = signal<SearchProgress | undefined>(undefined)
  private running: AbortController | undefined

  constructor(private readonly api: ApiCaller) {}

  /** Searches for something else. */
  start(query: string): void {
    this.running?.abort()
    batch(() => {
      this.query.value = query
      this.hits.value = []
      this.progress.value = undefined
      this.state.value = { kind: "idle" }
    })
    if (query.trim() !== "") void this.run(undefined)
  }

  /** Goes on behind the last line that was found. */
  more(): void {
    const cursor = this.progress.value?.cursor
    if (cursor !== undefined) void this.run(cursor)
  }

  cancel(): void {
    if (this.running === undefined) return
    this.running.abort()
    this.state.value = { kind: "cancelled" }
  }

  /** What stands around a line in the log of its source, or why it cannot be read. */
  async context(link: string): Promise<ReadonlyArray<KeptItem> | string> {
    const read = (direction: "forward" | "backward") =>
      readKept(this.api, { around: link, direction, limit: around + 1 })
    const [before, after] = await Promise.all([read("backward"), read("forward")])
    if (typeof before === "string") return before
    // Both begin with the line itself.
    return typeof after === "string" ? after : [...before.slice(1).reverse(), ...after]
  }

  private async run(cursor: string | undefined): Promise<void> {
    const controller = new AbortController()
    const { signal: abort } = controller
    this.running = controller
    this.state.value = { kind: "running" }
    const query = { q: this.query.value, limit: pageSize, ...(cursor === undefined ? {} : { cursor }) }
    const result = await this.api.lines("logs.read", { query }, { signal: abort, timeout: 60_000 })
    if (abort.aborted) return
    if (!result.ok) this.state.value = { kind: "failed", message: result.error.message }
    else {
      try {
        for await (const elements of result.value) {
          if (abort.aborted) return
          batch(() => elements.forEach((element) => this.take(element)))
        }
        if (this.state.value.kind === "running") this.state.value = { kind: "done" }
      } catch {
        if (abort.aborted) return
        this.state.value = { kind: "failed", message: "The connection was lost. Search again." }
      }
    }
    if (this.running === controller) this.running = undefined
  }

  private take(element: StreamElements["logs.read"]): void {
    if (element._tag === "SearchWaiting") this.state.value = { kind: "waiting", ahead: element.ahead }
    else if (element._tag === "Failed") this.state.value = { kind: "failed", message: element.message }
    else if (element._tag === "SearchFound") {
      this.state.value = { kind: "running" }
      this.progress.value = element.progress
      if (element.hits.length > 0) this.hits.value = [...this.hits.value, ...element.hits]
    }
  }
}
