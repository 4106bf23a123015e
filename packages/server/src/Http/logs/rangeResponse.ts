/** A range of kept logs as a response. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { jsonLines } from "../../Api/fields/streamed.js"
import type { StoredItem } from "../../store/LogRecord.js"
import type { LogStoreShape } from "../../store/LogStore.js"
import { LogSourceNotFound, type LogStoreUnavailable } from "../../store/LogStoreError.js"
import { makeLogText } from "../response/logText.js"
import { accepts, begun, failed, streamTexts } from "../response/streamResponse.js"
import { findRange, type RangeError, type RangeQuery } from "./findRange.js"
import { toKeptItem } from "./keptItem.js"

/** The query of a request for a range. */
export interface RangeResponseQuery extends RangeQuery {
  readonly timestamps?: boolean
  readonly format?: "text" | "ndjson"
  readonly download?: boolean
}

interface Format {
  readonly items: (items: ReadonlyArray<StoredItem>) => string
  readonly failure: (error: { readonly _tag: string; readonly message: string }) => string
  readonly contentType: string
  readonly extension: string
}

const jsonFormat: Format = {
  items: (items) => {
    let text = ""
    for (const item of items) text += `${JSON.stringify(toKeptItem(item))}\n`
    return text
  },
  failure: (error) => `${JSON.stringify(failed(error))}\n`,
  contentType: jsonLines,
  extension: "ndjson"
}

const textFormat = (timestamps: boolean): Format => {
  const text = makeLogText(timestamps)
  const ofItem = (item: StoredItem): string => {
    switch (item._tag) {
      case "StoredLine":
        return text.line(item)
      case "StoredMark":
        return text.mark(item.mark)
      case "GenerationMark":
        return text.note(`the log of ${item.containerName} (${item.containerId.slice(0, 12)}) begins`, item.timestamp)
      case "MissingRecords": {
        const why = item.reason === "damaged" ? "cannot be read: they are damaged" : "are not kept"
        return text.note(`gap: lines ${item.from} to ${item.to} of ${item.containerId.slice(0, 12)} ${why}`)
      }
    }
  }
  return {
    items: (items) => {
      let joined = ""
      for (const item of items) joined += ofItem(item)
      return joined
    },
    failure: ({ message }) => text.note(message),
    contentType: "text/plain; charset=utf-8",
    extension: "log"
  }
}

/** The name of a file for a source: its service or container. */
const fileName = (source: string, extension: string): string => {
  const [, ...names] = source.split("/")
  return `${names.join("-").replaceAll(/[^\w.-]+/g, "_") || "log"}.${extension}`
}

/** Fails if there is no such source, which a read does not tell from an empty range. */
const checkSource = (
  store: LogStoreShape,
  source: string
): Effect.Effect<void, LogStoreUnavailable | LogSourceNotFound> =>
  Effect.flatMap(store.sources, (sources) =>
    sources.some(({ id }) => id === source) ? Effect.void : Effect.fail(new LogSourceNotFound({ source }))
  )

/** Responds with a range, as text or as one JSON object per line. Of a long one, only a part is in memory. */
export const rangeResponse = (
  store: LogStoreShape,
  request: HttpServerRequest.HttpServerRequest,
  query: RangeResponseQuery
): Effect.Effect<HttpServerResponse.HttpServerResponse, RangeError, Scope.Scope> =>
  Effect.gen(function* () {
    const range = yield* findRange(store, query)
    let isEmpty = true
    const read = store.read(range).pipe(Stream.tap((items) => Effect.sync(() => (isEmpty &&= items.length === 0))))
    const batches = yield* begun(read)
    if (isEmpty) yield* checkSource(store, range.source)
    const isJson = query.format === undefined ? accepts(request, jsonLines) : query.format === "ndjson"
    const format = isJson ? jsonFormat : textFormat(query.timestamps ?? false)
    const texts = batches.pipe(
      Stream.map(format.items),
      Stream.catchAll((error) => Stream.succeed(format.failure(error)))
    )
    const response = streamTexts(texts, format.contentType)
    if (query.download !== true) return response
    const name = fileName(range.source, format.extension)
    return HttpServerResponse.setHeader(response, "content-disposition", `attachment; filename="${name}"`)
  })
