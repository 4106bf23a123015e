import type { Server } from "node:http"

/** The server starts to listen shortly before its routes exist. Requests that arrive in between are held for them. */
export const holdUntilServed = (server: Server, event: "request" | "upgrade"): void => {
  const held: Array<ReadonlyArray<unknown>> = []
  const hold = (...early: ReadonlyArray<unknown>) => {
    if (server.listenerCount(event) === 1) held.push(early)
  }
  server.on(event, hold)
  server.on("newListener", function release(added) {
    if (added !== event) return
    server.off("newListener", release)
    // `newListener` is emitted before the listener is added.
    setImmediate(() => {
      server.off(event, hold)
      for (const early of held) server.emit(event, ...early)
    })
  })
}
