/** Kept records as the API sends them. */
import type { KeptHit, KeptItem, KeptLine } from "../../Api/logs/KeptLogElement.js"
import { LineLink } from "../../search/LineLink.js"
import type { StoredItem, StoredLine } from "../../store/LogRecord.js"
import type { SearchHit } from "../../store/LogStore.js"

/** The line with the link to it. */
export const toKeptLine = (line: StoredLine): KeptLine => {
  const { containerId, place, source, stream, timestamp } = line
  return { ...line, link: LineLink.textOf({ source, generation: containerId, timestamp, stream, place }) }
}

/** The item, with the link to it if it is a line. */
export const toKeptItem = (item: StoredItem): KeptItem => (item._tag === "StoredLine" ? toKeptLine(item) : item)

/** The hit, with the links to its lines. */
export const toKeptHit = ({ after, before, line }: SearchHit): KeptHit => ({
  line: toKeptLine(line),
  before: before.map(toKeptItem),
  after: after.map(toKeptItem)
})
