import type { Item } from "./Search.js"

/** What is no line of a log, in words. */
export const logNote = (item: Exclude<Item, { readonly _tag: "StoredLine" }>): string => {
  switch (item._tag) {
    case "GenerationMark":
      return `The log of container ${item.containerName} (${item.containerId.slice(0, 12)}) begins`
    case "MissingRecords": {
      const count = item.to - item.from + 1
      const what = count === 1 ? "1 element is" : `${count.toLocaleString("en")} elements are`
      return item.reason === "damaged" ? `${what} damaged` : `${what} not kept any longer`
    }
    case "StoredMark": {
      const { mark } = item
      if (mark.mark === "gap") return `Lines may be missing from ${mark.from} to ${mark.to}: ${mark.reason}`
      if (mark.mark === "engine_error") return `The engine could not read the log: ${mark.message}`
      if (mark.mark === "stopped")
        return mark.exitCode === undefined
          ? "The container stopped"
          : `The container stopped with code ${mark.exitCode}`
      return mark.mark === "removed" ? "The container was removed" : "The container started"
    }
  }
}
