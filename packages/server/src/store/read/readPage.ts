/** Reads a part of a source: the records of its containers, merged by time. */
import { comparePlaces, cursorOf, type LogPlace, parseCursor } from "../LogCursor.js"
import type { LogRange } from "../LogRecord.js"
import { type Bound, GenerationWalk, type WalkRange } from "./GenerationWalk.js"
import type { Page, RawItem } from "../thread/messages.js"
import { parseTimeBound } from "./timeBound.js"
import type { GenerationRow, SourceRow, Units } from "./Units.js"

/** Of a container's last record. */
const lastPlace = ({ id, keyNanos, keySeconds, number }: GenerationRow): LogPlace => ({
  keySeconds,
  keyNanos,
  generation: id,
  number
})

/** The walks of a source. Those that come later are begun when their turn is near. */
class SourceWalk {
  private readonly open: Array<GenerationWalk> = []
  private readonly waiting: Array<GenerationRow>
  private readonly name: string
  /** No record of the container comes before it, in the direction of the read. */
  private readonly edge: (row: GenerationRow) => LogPlace

  constructor(
    private readonly units: Units,
    { id, name }: SourceRow,
    private readonly range: WalkRange,
    containerId: string | undefined
  ) {
    this.name = name
    const { forward, start } = range
    const firstPlaces = forward ? units.firstPlaces(id) : new Map<number, LogPlace>()
    this.edge = (row) => firstPlaces.get(row.id) ?? lastPlace(row)
    // The last to be begun comes first.
    this.waiting = units
      .generations()
      .filter((row) => row.source === id && (containerId === undefined || row.container === containerId))
      .filter((row) => !forward || start === undefined || comparePlaces(lastPlace(row), start) > 0)
      .toSorted((a, b) => (forward ? -1 : 1) * comparePlaces(this.edge(a), this.edge(b)))
  }

  /** The walk whose record is next. */
  next(): GenerationWalk | undefined {
    let best = this.best()
    for (let row = this.waiting.at(-1); row !== undefined; row = this.waiting.at(-1)) {
      if (best?.place !== undefined && this.isBefore(best.place, this.edge(row))) break
      this.waiting.pop()
      this.open.push(new GenerationWalk(this.units, row, this.name, this.range))
      best = this.best()
    }
    return best
  }

  private best(): GenerationWalk | undefined {
    let best: GenerationWalk | undefined
    for (const walk of this.open) {
      if (walk.place === undefined) continue
      if (best?.place === undefined || this.isBefore(walk.place, best.place)) best = walk
    }
    return best
  }

  private isBefore(a: LogPlace, b: LogPlace): boolean {
    return this.range.forward ? comparePlaces(a, b) < 0 : comparePlaces(a, b) > 0
  }
}

const boundOf = (time: string | undefined): Bound | undefined => (time === undefined ? undefined : parseTimeBound(time))

/** A page ends when it has as many characters of text: a line may have a million. */
const pageCharacters = 1_000_000

/** Reads a page. `undefined` if there is no such source. */
export const readPage = (units: Units, range: LogRange & { readonly limit: number }): Page | undefined => {
  const source = units.sources().find(({ name }) => name === range.source)
  if (source === undefined) return undefined
  const start = range.cursor === undefined ? undefined : parseCursor(range.cursor)
  const { containerId, direction, from, to } = range
  const bounds = { forward: direction === "forward", start, from: boundOf(from), to: boundOf(to) }
  const walk = new SourceWalk(units, source, bounds, containerId)
  const items: Array<RawItem> = []
  let last: LogPlace | undefined
  let records = 0
  for (let characters = 0; records < range.limit && characters < pageCharacters; records++) {
    const best = walk.next()
    if (best?.place === undefined) return { items, records, next: undefined }
    last = best.place
    for (const item of best.take()) {
      items.push(item)
      if (item._tag === "StoredLine") characters += item.text.length
    }
  }
  return { items, records, next: last === undefined ? undefined : cursorOf(last) }
}
