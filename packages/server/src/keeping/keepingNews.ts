import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Hub } from "../rooms/Hub.js"
import { LogStore } from "../store/LogStore.js"

/** Tells viewers when logs are no longer kept, and when they are again. */
export const keepingNews = Layer.scopedDiscard(
  Effect.gen(function* () {
    const store = yield* LogStore
    const hub = yield* Hub
    const tell = ({ reason = "Container logs are kept again." }: { readonly reason?: string }) =>
      Effect.sync(() => hub.broadcast({ event: "status", data: { msg: reason } }))
    yield* Effect.forkScoped(Stream.runForEach(Stream.drop(store.statusChanges, 1), tell))
  })
)
