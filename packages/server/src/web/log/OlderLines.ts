import type { ApiCaller } from "../../client/api/ApiCaller.js"
import { nextNanosecond } from "../../store/nextNanosecond.js"
import type { KeptItem } from "../../Api/json/ApiTypes.js"
import { type KeptNote, keptNoteText, keptNoteTone } from "./keptNotes.js"
import { readKept } from "./readKept.js"
import type { Row } from "./Rows.js"

/** So many elements are read at once. */
const pageSize = 1_000

/** Of a service with many containers, most elements may be of others. */
const maxPages = 10

const timeOf = (item: KeptNote): string =>
  item._tag === "StoredMark" ? item.mark.timestamp : item._tag === "GenerationMark" ? item.timestamp : ""

const isTimestamp = (time: string): boolean => /^.{19}\.\d{9}Z$/.test(time)

/** What older lines there are, the newest last. */
export interface Older {
  readonly rows: ReadonlyArray<Row>
  /** Whether nothing older is kept. */
  readonly isAll: boolean
}

/** Reads what came before the lines that are shown, of this container and of those that had its name before. */
export class OlderLines {
  #containerId: string | undefined
  #ids: Promise<ReadonlySet<string> | undefined> | undefined

  constructor(
    private readonly api: ApiCaller,
    private readonly nextId: () => number
  ) {}

  /** The rows in front of these. `undefined` if the server has nothing of this container, or does not answer now. */
  async before(containerId: string, shown: Iterable<Row>): Promise<Older | undefined> {
    const ids = await this.#containers(containerId)
    if (ids === undefined) return undefined
    const place = this.#place(shown)
    const found: Array<Row> = []
    let { cursor } = place
    for (let page = 0; page < maxPages && found.length === 0; page++) {
      const items = await readKept(this.api, {
        container: containerId,
        direction: "backward",
        limit: pageSize,
        ...(cursor !== undefined ? { cursor } : place.to === undefined ? {} : { to: place.to })
      })
      if (typeof items === "string") return undefined
      for (const item of items) {
        if (item._tag === "StoredLine" || item._tag === "StoredMark") ({ cursor } = item)
        if (ids.has(item.containerId) && !place.isShown(item)) found.push(this.#row(item))
      }
      if (items.length < pageSize) return { rows: found.reverse(), isAll: true }
    }
    return { rows: found.reverse(), isAll: false }
  }

  /** The full ids of the containers that had the name of this one, with its own. Read once for each container. */
  #containers(containerId: string): Promise<ReadonlySet<string> | undefined> {
    if (this.#containerId === containerId && this.#ids !== undefined) return this.#ids
    this.#containerId = containerId
    this.#ids = this.api.call("logs.sources", {}).then((result) => {
      if (!result.ok) {
        this.#ids = undefined
        return undefined
      }
      const generations = result.value.flatMap((source) =>
        source.generations.some((one) => one.containerId === containerId) ? source.generations : []
      )
      const name = generations.find((one) => one.containerId === containerId)?.containerName
      if (name === undefined) this.#ids = undefined
      return name === undefined
        ? undefined
        : new Set(generations.flatMap((one) => (one.containerName === name ? one.containerId : [])))
    })
    return this.#ids
  }

  /**
   * Where to read from. Lines that came live have no cursor: what is kept is read up to their time, and as many lines of this
   * time and stream are left out as are shown.
   */
  #place(shown: Iterable<Row>) {
    const counts = new Map<string, number>()
    const notes = new Set<string>()
    const isNoted = (item: KeptItem) => item._tag !== "StoredLine" && notes.has(`${timeOf(item)} ${keptNoteText(item)}`)
    let first: string | undefined
    for (const row of shown) {
      if (row.cursor !== undefined && first === undefined) {
        return { cursor: row.cursor, to: undefined, isShown: isNoted }
      }
      if (row.kind === "note") {
        if (first === undefined) notes.add(`${row.time} ${row.text}`)
        continue
      }
      first ??= row.time
      if (row.time !== first) break
      counts.set(row.stream, (counts.get(row.stream) ?? 0) + 1)
    }
    const isShown = (item: KeptItem): boolean => {
      if (item._tag === "StoredLine") {
        const left = item.timestamp === first ? (counts.get(item.stream) ?? 0) : 0
        if (left === 0) return false
        counts.set(item.stream, left - 1)
        return true
      }
      // What stands between lines that are shown is shown as well.
      return isNoted(item) || [...counts.values()].some((count) => count > 0)
    }
    return {
      cursor: undefined,
      to: first !== undefined && isTimestamp(first) ? nextNanosecond(first) : undefined,
      isShown
    }
  }

  #row(item: KeptItem): Row {
    const id = this.nextId()
    if (item._tag === "StoredLine") {
      const { cursor, stream, text, timestamp: time } = item
      return { kind: "line", id, time, stream, text, cursor }
    }
    const time = item._tag === "StoredMark" ? item.mark.timestamp : item._tag === "GenerationMark" ? item.timestamp : ""
    const cursor = item._tag === "StoredMark" ? { cursor: item.cursor } : {}
    return { kind: "note", id, time, tone: keptNoteTone(item), text: keptNoteText(item), ...cursor }
  }
}
