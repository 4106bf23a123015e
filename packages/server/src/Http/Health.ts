/** Whether the server is there, and whether it can do its work: open to all, and so without detail. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { EngineMonitor } from "../engine/EngineMonitor.js"

const noStore = { headers: { "cache-control": "no-store" } }

/**
 * `/healthz`: 200 as long as the server runs. `/readyz`: 200 while the engine answers, else 503; its text also says where that is
 * a demo.
 */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | EngineMonitor> = HttpLayerRouter.use(
  (router) =>
    Effect.gen(function* () {
      const monitor = yield* EngineMonitor
      yield* router.add("GET", "/healthz", Effect.succeed(HttpServerResponse.text("ok\n", noStore)))
      yield* router.add(
        "GET",
        "/readyz",
        Effect.sync(() => {
          const { available, demo } = monitor.status()
          if (!available) return HttpServerResponse.text("not ready\n", { ...noStore, status: 503 })
          return HttpServerResponse.text(demo === undefined ? "ready\n" : "ready (demo)\n", noStore)
        })
      )
    })
)
