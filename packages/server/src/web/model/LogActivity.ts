import { signal } from "@preact/signals"
import type { Endpoint } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"

type Source = Endpoint<"logs.sources">["success"][number]

/** How often lines are counted, and errors, in milliseconds; and how soon again where no logs are kept. */
const interval = { lines: 5_000, errors: 30_000, unavailable: 60_000 }

/** How many lines per second are remembered of each container: of two minutes. */
const maxRates = 24

/** In how far back errors are counted, in milliseconds, and of how many sources at a time. */
const errorTime = 5 * 60_000
const maxCounted = 50

/** What was lately written to a container's log. */
export interface Activity {
  /** Lines per second, one after the other, the latest last. */
  readonly rates: ReadonlyArray<number>
  /** Errors of the last five minutes. */
  readonly errors: number
}

/** What the logs that are kept tell of each container. */
export class LogActivity {
  /** By id of the container. */
  readonly all = signal<ReadonlyMap<string, Activity>>(new Map())
  readonly #api: ApiCaller
  readonly #counts = new Map<string, { readonly number: number; readonly time: number }>()
  /** By id of the source. */
  #errors: ReadonlyMap<string, number> = new Map()
  #nextLines = 0
  #nextErrors = 0
  #isBusy = false

  /** `isWanted` says whether there is anything to ask, and anyone to see it. */
  constructor(api: ApiCaller, isWanted: () => boolean) {
    this.#api = api
    setInterval(() => {
      if (isWanted() && !this.#isBusy && Date.now() >= this.#nextLines) void this.#refresh()
    }, 1_000)
  }

  async #refresh(): Promise<void> {
    this.#isBusy = true
    this.#nextLines = Date.now() + interval.lines
    const result = await this.#api.call("logs.sources", {})
    if (result.ok) {
      if (Date.now() >= this.#nextErrors) await this.#countErrors(result.value)
      this.#count(result.value)
    } else {
      this.#nextLines = Date.now() + interval.unavailable
      this.all.value = new Map()
    }
    this.#isBusy = false
  }

  #count(sources: ReadonlyArray<Source>): void {
    const now = performance.now()
    const known = this.all.value
    const next = new Map<string, Activity>()
    for (const { generations, id } of sources) {
      const errors = this.#errors.get(id) ?? 0
      for (const { containerId, lastNumber } of generations) {
        const last = this.#counts.get(containerId)
        this.#counts.set(containerId, { number: lastNumber, time: now })
        const rates = known.get(containerId)?.rates ?? []
        if (last === undefined) next.set(containerId, { rates, errors })
        else {
          const rate = Math.max(0, lastNumber - last.number) / ((now - last.time) / 1000)
          next.set(containerId, { rates: [...rates, rate].slice(-maxRates), errors })
        }
      }
    }
    this.all.value = next
  }

  async #countErrors(sources: ReadonlyArray<Source>): Promise<void> {
    this.#nextErrors = Date.now() + interval.errors
    const begin = Date.now() - errorTime
    const recent = sources.filter(({ newest = "" }) => Date.parse(newest) >= begin).slice(0, maxCounted)
    const errors = new Map<string, number>()
    for (const { id } of recent) {
      const query = { source: [id], from: new Date(begin).toISOString(), buckets: 1 }
      const result = await this.#api.call("logs.histogram", { query })
      if (!result.ok) continue
      const count = result.value.buckets.reduce((sum, { levels }) => sum + levels.error + levels.fatal, 0)
      errors.set(id, count)
    }
    this.#errors = errors
  }
}
