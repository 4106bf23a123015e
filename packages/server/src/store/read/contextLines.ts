/** The records around one of them, of its container. */
import type { LogPlace } from "../LogCursor.js"
import { textEnds } from "../block/Records.js"
import { orderOf, renderRecord } from "./renderRecords.js"
import type { RawItem } from "../thread/messages.js"
import type { Units } from "./Units.js"

/** The records with these numbers that can be read. */
const recordsBetween = (
  units: Units,
  source: string,
  containerId: string,
  generation: number,
  from: number,
  to: number
): ReadonlyArray<RawItem> => {
  const items: Array<RawItem> = []
  let unit = units.covering(generation, from)
  while (unit !== undefined && unit.first <= to) {
    try {
      const records = units.records(unit)
      if (records !== undefined) {
        const order = orderOf(records)
        const ends = textEnds(records)
        const origin = { source, containerId, generation, first: unit.first }
        const last = Math.min(to, unit.first + records.count - 1)
        for (let number = Math.max(from, unit.first); number <= last; number++) {
          items.push(renderRecord(origin, records, order, ends, number - unit.first))
        }
      }
    } catch {
      // It is damaged, which a read of it says.
    }
    unit = units.next(generation, unit.first)
  }
  return items
}

/** As many records in front of one and behind it. */
export const contextOf = (
  units: Units,
  source: string,
  containerId: string,
  { generation, number }: LogPlace,
  count: number
): { readonly before: ReadonlyArray<RawItem>; readonly after: ReadonlyArray<RawItem> } => ({
  before:
    number === 1 ? [] : recordsBetween(units, source, containerId, generation, Math.max(1, number - count), number - 1),
  after: recordsBetween(units, source, containerId, generation, number + 1, number + count)
})
