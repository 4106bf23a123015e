/** A search over everything that is kept, the newest first, step by step. */
import { LogMatcher } from "../../search/LogMatcher.js"
import { timestampOf } from "../block/recordTime.js"
import { comparePlaces, cursorOf, type LogPlace, parseCursor } from "../LogCursor.js"
import { matchesSource } from "./sourcePattern.js"
import { contextOf } from "../read/contextLines.js"
import type { RawHit, SearchProgress, SearchStep, SearchTask } from "../thread/messages.js"
import { orderOf, renderRecord } from "../read/renderRecords.js"
import { type Found, makeScan, mayMatch, type Scan, scanUnit } from "./scanUnit.js"
import type { StoredLine } from "../LogRecord.js"
import type { Unit, Units } from "../read/Units.js"

/** What is found is told after this time, and how far the search is if nothing was. In milliseconds. */
const tellAfter = 50
/** As many hits are told at once. */
const hitsAtOnce = 200
/** Or so many characters of text: a line may have a million. */
const charactersAtOnce = 1_000_000

interface PlacedHit {
  readonly place: LogPlace
  readonly line: StoredLine
}

const lastOf = ({ count, first, generation, keyNanos, keySeconds }: Unit): LogPlace => ({
  keySeconds,
  keyNanos,
  generation,
  number: first + count - 1
})

const firstOf = ({ first, firstNanos, firstSeconds, generation }: Unit): LogPlace => ({
  keySeconds: firstSeconds,
  keyNanos: firstNanos,
  generation,
  number: first
})

export class SearchRun {
  private readonly scan: Scan
  private readonly start: LogPlace | undefined
  /** The newest last. */
  private readonly left: Array<Unit>
  private readonly names: ReadonlyMap<number, string>
  private readonly containers: ReadonlyMap<number, string>
  /** Hits with which it is not sure that no newer one comes, the newest last. */
  private found: Array<PlacedHit> = []
  private scanning: { readonly unit: Unit; readonly steps: ReturnType<typeof scanUnit> } | undefined
  private matches = 0
  private scannedBytes = 0
  private totalBytes = 0
  private unreadable = 0
  private last: LogPlace | undefined

  constructor(
    private readonly units: Units,
    private readonly task: SearchTask
  ) {
    const { cursor, query } = task
    this.scan = makeScan(LogMatcher.make(query), query)
    this.start = cursor === undefined ? undefined : parseCursor(cursor)
    const sources = units.sources().filter(({ name }) => matchesSource(query.sources, name))
    this.names = new Map(sources.map(({ id, name }) => [id, name]))
    this.containers = new Map(units.generations().map(({ container, id }) => [id, container]))
    const { start } = this
    const wanted = units
      .all()
      .filter((unit) => this.names.has(unit.source))
      .filter((unit) => start === undefined || comparePlaces(firstOf(unit), start) < 0)
    for (const { bytes } of wanted) this.totalBytes += bytes
    this.left = wanted
      .filter((unit) => mayMatch(this.scan, unit))
      .toSorted((a, b) => comparePlaces(lastOf(a), lastOf(b)))
    // The others need no look.
    this.scannedBytes = this.totalBytes - this.left.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Goes on until there is something to tell. `pause` lets other things happen in the thread. */
  async next(pause: () => Promise<void>, isWanted: () => boolean): Promise<SearchStep> {
    const until = performance.now() + tellAfter
    const hits: Array<RawHit> = []
    let done: SearchProgress["done"]
    let characters = 0
    while (hits.length < hitsAtOnce && characters < charactersAtOnce && isWanted()) {
      if (this.matches >= this.task.limit) {
        done = "limit"
        break
      }
      const hit = this.takeSure()
      if (hit !== undefined) {
        this.matches++
        this.last = hit.place
        characters += hit.line.text.length
        hits.push(this.withContext(hit))
        continue
      }
      if (this.scanning === undefined && this.left.length === 0) {
        done = "end"
        break
      }
      if (performance.now() >= until) break
      this.look()
      await pause()
    }
    return { hits, progress: this.progress(done) }
  }

  private progress(done: SearchProgress["done"]): SearchProgress {
    const { matches, scannedBytes, totalBytes, unreadable } = this
    const place = done === "end" ? undefined : done === "limit" ? this.last : this.frontier
    return {
      scannedTo: place === undefined ? undefined : timestampOf(Math.max(place.keySeconds, 0), place.keyNanos),
      matches,
      scannedBytes,
      totalBytes,
      unreadable,
      done,
      cursor: done === "end" || this.last === undefined ? undefined : cursorOf(this.last)
    }
  }

  /** Nothing that is not found is newer. */
  private get frontier(): LogPlace | undefined {
    const unit = this.scanning?.unit ?? this.left.at(-1)
    return unit === undefined ? undefined : lastOf(unit)
  }

  private takeSure(): PlacedHit | undefined {
    const hit = this.found.at(-1)
    if (hit === undefined) return undefined
    const { frontier } = this
    if (frontier !== undefined && comparePlaces(frontier, hit.place) > 0) return undefined
    this.found.pop()
    return hit
  }

  private look(): void {
    if (this.scanning === undefined) {
      const unit = this.left.pop()
      if (unit === undefined) return
      this.scanning = { unit, steps: scanUnit(this.scan, this.units, unit) }
    }
    const { steps, unit } = this.scanning
    try {
      const step = steps.next()
      if (step.done !== true) return
      if (step.value !== undefined) this.addFound(unit, step.value)
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "SQLITE_BUSY") throw error
      this.unreadable += unit.count
    }
    this.scanning = undefined
    this.scannedBytes += unit.bytes
  }

  private addFound(unit: Unit, { ends, indexes, records }: Found): void {
    const order = orderOf(records)
    const origin = {
      source: this.names.get(unit.source) ?? "",
      containerId: this.containers.get(unit.generation) ?? "",
      generation: unit.generation,
      first: unit.first
    }
    const { start } = this
    const places = indexes.map((index) => ({
      index,
      keySeconds: order.keySeconds[index] ?? 0,
      keyNanos: order.keyNanos[index] ?? 0,
      generation: unit.generation,
      number: unit.first + index
    }))
    const more: Array<PlacedHit> = []
    const wanted = start === undefined ? places : places.filter((place) => comparePlaces(place, start) < 0)
    // Older ones than the limit takes are not needed, whatever else is found.
    for (const place of wanted.slice(-(this.task.limit - this.matches))) {
      const line = renderRecord(origin, records, order, ends, place.index)
      if (line._tag === "StoredLine") more.push({ place, line })
    }
    this.found = [...more, ...this.found].toSorted((a, b) => comparePlaces(a.place, b.place))
  }

  private withContext({ line, place }: PlacedHit): RawHit {
    const { context } = this.task
    if (context === 0) return { line, before: [], after: [] }
    return { line, ...contextOf(this.units, line.source, line.containerId, place, context) }
  }
}
