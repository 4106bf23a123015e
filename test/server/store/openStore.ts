import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogBatch, LogRange, LogRetention, StoredItem } from "../../../packages/server/src/store/LogRecord.js"
import { LogStore, type SearchElement, type SearchRequest } from "../../../packages/server/src/store/LogStore.js"
import { storeProgram } from "./storeProgram.js"

/** Opens the store in a folder, as a server does. */
export const openStore = async (dataDir: string, retention: Partial<LogRetention> = {}) => {
  const program = await storeProgram()
  const limits = { sourceBytes: 1e12, bytes: 1e12, age: 1e14, ...retention }
  const layer = LogStore.layerEmbedded({ dataDir, retention: limits, retryAfter: 50, program })
  const scope = await Effect.runPromise(Scope.make())
  const store = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), LogStore)
  return {
    store,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
    append: (batch: LogBatch) => Effect.runPromise(store.append(batch)),
    flush: () => Effect.runPromise(store.flush),
    read: async (range: LogRange): Promise<ReadonlyArray<StoredItem>> =>
      Chunk.toReadonlyArray(await Effect.runPromise(Stream.runCollect(store.read(range)))).flat(),
    search: async (request: SearchRequest): Promise<ReadonlyArray<SearchElement>> =>
      Chunk.toReadonlyArray(await Effect.runPromise(Stream.runCollect(store.search(request))))
  }
}

export type OpenStore = Awaited<ReturnType<typeof openStore>>

/** The lines that a search found. */
export const hitsOf = (elements: ReadonlyArray<SearchElement>) =>
  elements.flatMap((element) => (element._tag === "SearchFound" ? element.hits : []))
