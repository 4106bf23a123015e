/** What a thread read, as it is given out. */
import { LogMark } from "@dockwire/core/LogEvent"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StoredItem } from "../LogRecord.js"
import type { RawItem } from "../thread/messages.js"

const decodeMark = Schema.decodeUnknownOption(Schema.parseJson(LogMark))

const decodeItem = (item: RawItem): ReadonlyArray<StoredItem> => {
  if (item._tag !== "RawMark") return [item]
  const { containerId, cursor, json, number, place, source } = item
  return Option.match(decodeMark(json), {
    onNone: () => [],
    onSome: (mark) => [{ _tag: "StoredMark", source, containerId, number, place, cursor, mark }]
  })
}

/** Decodes the marks. */
export const decodeItems = (items: ReadonlyArray<RawItem>): ReadonlyArray<StoredItem> => items.flatMap(decodeItem)
