import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Hub } from "../rooms/Hub.js"
import { OperationStore } from "./OperationStore.js"

/** Tells viewers when operations are no longer kept, and when they are again. */
export const historyNews = Layer.scopedDiscard(
  Effect.gen(function* () {
    const store = yield* OperationStore
    const hub = yield* Hub
    yield* Effect.forkScoped(
      Effect.zipRight(
        store.opened,
        Stream.runForEach(Stream.drop(store.statusChanges, 1), ({ reason = "Operations are kept again." }) =>
          Effect.sync(() => hub.broadcast({ event: "status", data: { msg: reason } }))
        )
      )
    )
  })
)
