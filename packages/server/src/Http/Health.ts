/** Health checks. They need no credential, so they reveal no detail. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { OperationStore } from "../operations/OperationStore.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"

const noStore = { headers: { "cache-control": "no-store" } }

/**
 * `/healthz` responds with 200 while the server runs. `/readyz` responds with 200 while the engine answers, otherwise with
 * 503; its text also tells whether the engine is a demo, and whether the history is still being opened or operations are lost when the
 * server ends.
 */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | EngineMonitor | OperationStore> =
  HttpLayerRouter.use((router) =>
    Effect.gen(function* () {
      const monitor = yield* EngineMonitor
      const store = yield* OperationStore
      const historyNotes = () => {
        if (store.isOpening()) return ["the history is being opened"]
        return store.status().available ? [] : ["operations are not kept"]
      }
      yield* router.add("GET", "/healthz", Effect.succeed(HttpServerResponse.text("ok\n", noStore)))
      yield* router.add(
        "GET",
        "/readyz",
        Effect.sync(() => {
          const { available, demo } = monitor.status()
          if (!available) return HttpServerResponse.text("not ready\n", { ...noStore, status: 503 })
          const notes = [...(demo === undefined ? [] : ["demo"]), ...historyNotes()]
          return HttpServerResponse.text(notes.length === 0 ? "ready\n" : `ready (${notes.join(", ")})\n`, noStore)
        })
      )
    })
  )
