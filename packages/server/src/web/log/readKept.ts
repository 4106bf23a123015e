import type { Endpoint, KeptItem } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"

/** Reads a range of kept logs to its end. Resolves to why it cannot be read, if it cannot. */
export const readKept = async (
  api: ApiCaller,
  query: Endpoint<"logs.read">["request"]["query"]
): Promise<ReadonlyArray<KeptItem> | string> => {
  const result = await api.lines("logs.read", query === undefined ? {} : { query })
  if (!result.ok) return result.error.message
  const items: Array<KeptItem> = []
  try {
    for await (const elements of result.value) {
      for (const element of elements) {
        if (element._tag === "Failed") return element.message
        if (element._tag !== "SearchFound" && element._tag !== "SearchWaiting") items.push(element)
      }
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return items
}
