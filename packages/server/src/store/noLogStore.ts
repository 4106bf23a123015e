/** The store of a server that keeps no logs. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogStoreShape } from "./LogStore.js"
import { LogStoreUnavailable } from "./LogStoreError.js"

export const makeNoLogStore = (reason: string): LogStoreShape => {
  const unavailable = Effect.fail(new LogStoreUnavailable({ reason }))
  const none = Stream.fail(new LogStoreUnavailable({ reason }))
  return {
    append: () => unavailable,
    flush: Effect.void,
    resume: () => unavailable,
    read: () => none,
    search: () => none,
    histogram: () => unavailable,
    sources: unavailable,
    retain: () => unavailable,
    opened: Effect.void,
    // It is what was asked for, so there is nothing to tell.
    status: () => ({ available: false }),
    statusChanges: Stream.never
  }
}
