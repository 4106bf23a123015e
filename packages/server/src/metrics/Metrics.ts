/** `/metrics`: figures for Prometheus. They are read when somebody asks, so that nothing is counted for each line. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { Followers } from "../engine/Followers.js"
import { Hub } from "../rooms/Hub.js"
import { processFamilies } from "./processFamilies.js"
import { type MetricFamily, prometheusText, registryFamilies } from "./prometheusText.js"

const contentType = "text/plain; version=0.0.4; charset=utf-8"

const serverFamilies = Effect.gen(function* () {
  const followers = yield* Followers
  const hub = yield* Hub
  const monitor = yield* EngineMonitor
  const family = (type: "counter" | "gauge", name: string, help: string, value: number): MetricFamily => ({
    name: `dockwire_${name}`,
    help,
    type,
    samples: [{ value }]
  })
  return () => {
    const { received, rooms, sent } = hub.counts()
    return [
      family(
        "gauge",
        "engine_available",
        "1 while the engine answers, otherwise 0.",
        monitor.status().available ? 1 : 0
      ),
      family("gauge", "viewers", "WebSocket connections.", hub.viewerCount()),
      family("gauge", "rooms", "Rooms that have members or a history.", rooms),
      family("counter", "room_events_total", "Lines and other events that rooms have had.", received),
      family("counter", "sent_events_total", "The same as sent to viewers, each viewer counted.", sent),
      family("gauge", "followed_containers", "Containers whose log is being read.", followers.following().length)
    ]
  }
})

/** The route. Besides what the server itself counts, it has the metrics of Effect's registry that begin with `dockwire_`. */
export const layer: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | EngineMonitor | Followers | Hub> =
  HttpLayerRouter.use((router) =>
    Effect.gen(function* () {
      const server = yield* serverFamilies
      const ofProcess = yield* processFamilies
      const respond = Effect.sync(() => {
        const families = [...server(), ...registryFamilies("dockwire_"), ...ofProcess()]
        const headers = { "cache-control": "no-store" }
        return HttpServerResponse.text(prometheusText(families), { contentType, headers })
      })
      yield* router.add("GET", "/metrics", respond)
    })
  )
