import type { EventOrigin, Listener, SocketEvents } from "./SocketEvents.js"

type Listeners = { readonly [E in keyof SocketEvents]: Set<Listener<E>> }

/** The listeners of a socket, by event. Events that do not exist, from pages without types, are ignored. */
export class Emitter {
  readonly #listeners: Listeners = {
    connect: new Set(),
    connect_error: new Set(),
    disconnect: new Set(),
    reconnecting: new Set(),
    docker_log: new Set(),
    docker_log_batch: new Set(),
    docker_progress: new Set(),
    docker_log_complete: new Set(),
    container_log_mark: new Set(),
    container_status_change: new Set(),
    container_stats: new Set(),
    engine_status: new Set(),
    gap: new Set(),
    joined: new Set(),
    left: new Set(),
    status: new Set(),
    error: new Set()
  }

  on<E extends keyof SocketEvents>(event: E, listener: Listener<E>): void {
    this.#listeners[event]?.add(listener)
  }

  /** Removes `listener`, or every listener of the event if it is undefined. */
  off<E extends keyof SocketEvents>(event: E, listener?: Listener<E>): void {
    if (listener === undefined) this.#listeners[event]?.clear()
    else this.#listeners[event]?.delete(listener)
  }

  hasListeners(event: keyof SocketEvents): boolean {
    return this.#listeners[event].size > 0
  }

  emit<E extends keyof SocketEvents>(event: E, data: SocketEvents[E], origin?: EventOrigin): void {
    for (const listener of Array.from(this.#listeners[event])) {
      try {
        listener(data, origin)
      } catch (cause) {
        // A listener that throws must not keep the others from running; rethrow where it surfaces as uncaught.
        setTimeout(() => {
          throw cause
        })
      }
    }
  }
}
