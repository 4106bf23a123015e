/** What the endpoints of kept logs stream. */
import * as Schema from "effect/Schema"
import {
  GenerationMark,
  MissingRecords,
  SearchProgress,
  SearchWaiting,
  StoredLine,
  StoredMark
} from "../../store/StoredLog.js"
import { StreamFailed } from "../fields/streamed.js"

/** A line that is kept, with the link to it. */
export const KeptLine = Schema.Struct({
  ...StoredLine.fields,
  link: Schema.String.annotations({
    description:
      "Leads to this line, over restarts of anything: `around` takes it. As it is, it can stand in an address after `#`"
  })
}).annotations({ identifier: "KeptLine" })

/** See the schema. */
export type KeptLine = typeof KeptLine.Type

/** An element of a range. */
export const KeptItem = Schema.Union(KeptLine, StoredMark, GenerationMark, MissingRecords).annotations({
  identifier: "KeptItem"
})

/** See the schema. */
export type KeptItem = typeof KeptItem.Type

/** A line that a search found. */
export const KeptHit = Schema.Struct({
  line: KeptLine,
  before: Schema.Array(KeptItem),
  after: Schema.Array(KeptItem)
}).annotations({ identifier: "KeptHit" })

/** See the schema. */
export type KeptHit = typeof KeptHit.Type

/** What a search has found since the element before, and how far it is. */
export const SearchFound = Schema.TaggedStruct("SearchFound", {
  hits: Schema.Array(KeptHit),
  progress: SearchProgress
}).annotations({
  identifier: "SearchFound",
  description: "What a search has found since the element before, the newest first, and how far it is"
})

/** See the schema. */
export type SearchFound = typeof SearchFound.Type

/** An element of a range or of a search, one per line of the response. */
export const KeptLogElement = Schema.Union(
  KeptLine,
  StoredMark,
  GenerationMark,
  MissingRecords,
  SearchWaiting,
  SearchFound,
  StreamFailed
).annotations({
  identifier: "KeptLogElement",
  description: "A range consists of lines, marks and what is missing; a search of SearchWaiting and SearchFound"
})

/** See the schema. */
export type KeptLogElement = typeof KeptLogElement.Type
