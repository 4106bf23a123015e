/** Health checks. They need no credential, so they reveal no detail. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { LogStore, type LogStoreShape } from "../store/LogStore.js"
import { OperationStore, type OperationStoreShape } from "../operations/OperationStore.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { Stacks } from "../stacks/Stacks.js"

const noStore = { headers: { "cache-control": "no-store" } }

/** What people should know about the history. Why is for those who are signed in. */
const historyNotes = (store: OperationStoreShape): ReadonlyArray<string> => {
  if (store.isOpening()) return ["the history is being opened"]
  const { available, reason } = store.status()
  if (!available) return ["operations are not kept"]
  return reason === undefined ? [] : ["earlier operations are not shown"]
}

/** What people should know about the kept logs. */
const logNotes = (logs: LogStoreShape): ReadonlyArray<string> => {
  const { available, reason } = logs.status()
  if (reason === undefined) return []
  return [available ? "earlier container logs are not shown" : "container logs are not kept"]
}

/**
 * `/healthz` responds with 200 while the server runs. `/readyz` responds with 200 while the engine answers, otherwise with
 * 503; its text also tells whether the engine is a demo, and whether the history of operations is still being opened, not kept,
 * or not whole, whether container logs are not kept although they should be, and whether stacks are missing whose file was
 * damaged.
 */
export const layer: Layer.Layer<
  never,
  never,
  HttpLayerRouter.HttpRouter | EngineMonitor | LogStore | OperationStore | Stacks
> = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const monitor = yield* EngineMonitor
    const store = yield* OperationStore
    const logs = yield* LogStore
    const stacks = yield* Stacks
    yield* router.add("GET", "/healthz", Effect.succeed(HttpServerResponse.text("ok\n", noStore)))
    yield* router.add(
      "GET",
      "/readyz",
      Effect.sync(() => {
        const { available, demo } = monitor.status()
        if (!available) return HttpServerResponse.text("not ready\n", { ...noStore, status: 503 })
        const notes = [
          ...(demo === undefined ? [] : ["demo"]),
          ...historyNotes(store),
          ...logNotes(logs),
          ...(stacks.problem() === undefined ? [] : ["earlier stacks are not shown"])
        ]
        return HttpServerResponse.text(notes.length === 0 ? "ready\n" : `ready (${notes.join(", ")})\n`, noStore)
      })
    )
  })
)
