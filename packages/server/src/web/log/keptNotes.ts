/** What the server has kept besides lines, as notes between them. */
import type { KeptItem } from "../../Api/json/ApiTypes.js"
import { markWords } from "./logNotes.js"
import type { NoteRow } from "./Rows.js"

/** An element that is no line. */
export type KeptNote = Exclude<KeptItem, { readonly _tag: "StoredLine" }>

/** In words. */
export const keptNoteText = (item: KeptNote): string => {
  switch (item._tag) {
    case "GenerationMark":
      return `The kept log of container ${item.containerName} (${item.containerId.slice(0, 12)}) begins`
    case "MissingRecords": {
      const count = item.to - item.from + 1
      const what = count === 1 ? "1 element is" : `${count.toLocaleString("en")} elements are`
      return item.reason === "damaged" ? `${what} damaged` : `${what} not kept any longer`
    }
    case "StoredMark": {
      const { mark } = item
      if (mark.mark === "gap") return `Gap: lines missing from ${mark.from} to ${mark.to}. ${mark.reason}`
      return markWords(
        mark.mark,
        mark.mark === "stopped" ? mark.exitCode : undefined,
        mark.mark === "engine_error" ? mark.message : undefined
      )
    }
  }
}

/** How it is shown. */
export const keptNoteTone = (item: KeptNote): NoteRow["tone"] => {
  if (item._tag === "MissingRecords") return "gap"
  if (item._tag === "GenerationMark") return "mark"
  return item.mark.mark === "gap" ? "gap" : item.mark.mark === "engine_error" ? "error" : "mark"
}
