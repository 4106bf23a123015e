/** A store that is opened when it is needed for the first time, so that a server does not wait for it. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogStoreShape, LogStoreStatus } from "./LogStore.js"

const notOpened: LogStoreStatus = { available: true }

export const makeLazyLogStore = (
  open: Effect.Effect<LogStoreShape, never, Scope.Scope>
): Effect.Effect<LogStoreShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const needed = yield* Effect.makeLatch(false)
    const opened = yield* Deferred.make<LogStoreShape>()
    let known: LogStoreShape | undefined
    const opening = Effect.map(Effect.zipRight(needed.await, open), (store) => (known = store))
    yield* Effect.forkScoped(Effect.intoDeferred(opening, opened))
    const store = Effect.zipRight(needed.open, Deferred.await(opened))
    return {
      append: (batch) => Effect.flatMap(store, ({ append }) => append(batch)),
      // What was not opened has nothing to store.
      flush: Effect.suspend(() => known?.flush ?? Effect.void),
      resume: (containerId) => Effect.flatMap(store, ({ resume }) => resume(containerId)),
      read: (range) => Stream.unwrap(Effect.map(store, ({ read }) => read(range))),
      search: (request) => Stream.unwrap(Effect.map(store, ({ search }) => search(request))),
      histogram: (request) => Effect.flatMap(store, ({ histogram }) => histogram(request)),
      sources: Effect.flatMap(store, ({ sources }) => sources),
      retain: (limits) => Effect.flatMap(store, ({ retain }) => retain(limits)),
      opened: Effect.flatMap(store, (found) => found.opened),
      status: () => known?.status() ?? notOpened,
      // Who waits for news does not need the store yet.
      statusChanges: Stream.unwrap(Effect.map(Deferred.await(opened), ({ statusChanges }) => statusChanges))
    }
  })
