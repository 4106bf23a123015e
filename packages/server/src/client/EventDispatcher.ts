import type { DockerLogMessage, ServerMessage } from "../Wire.js"
import type { Emitter } from "./Emitter.js"
import type { DockerLogEvent, EventOrigin } from "./SocketEvents.js"
import type { Delivery, Subscriptions } from "./Subscriptions.js"

/** Replaces a container's full id with the id or name that the application subscribed with. */
const withRequestedId = <D extends { readonly container_id: string | null }>(data: D, { container }: Delivery): D =>
  container === undefined ? data : { ...data, container_id: container }

const toLogEvent = (
  data: DockerLogMessage["data"],
  [timestamp, stream, line, part]: DockerLogMessage["data"]["lines"][number]
): DockerLogEvent => {
  const operation = "log_id" in data ? data : undefined
  const event: DockerLogEvent = {
    log_id: operation?.log_id ?? null,
    operation_type: data.operation_type,
    config_id: operation?.config_id ?? null,
    container_id: data.container_id ?? null,
    image_name: operation?.image_name ?? null,
    line,
    timestamp,
    status: data.status,
    stream
  }
  return part === undefined ? event : { ...event, part }
}

/** Turns the server's messages into events: under the application's own names, each once, with gaps made visible. */
export class EventDispatcher {
  readonly #subscriptions: Subscriptions
  readonly #emitter: Emitter

  constructor(subscriptions: Subscriptions, emitter: Emitter) {
    this.#subscriptions = subscriptions
    this.#emitter = emitter
  }

  dispatch(message: ServerMessage): void {
    switch (message.event) {
      case "joined":
        if (this.#subscriptions.joined(message)) {
          const { canonical, room } = message.data
          this.#emitter.emit("joined", message.data, { room, canonical })
        }
        return
      case "left":
        if (this.#subscriptions.left(message.data.room)) this.#emitter.emit("left", message.data)
        return
      case "docker_log":
        return this.#dispatchLines(message)
      case "docker_progress":
      case "docker_log_complete":
      case "container_log_mark":
      case "container_stats":
        return this.#dispatchRoomEvent(message)
      case "gap": {
        const delivery = this.#subscriptions.recordGap(message)
        if (delivery === undefined || delivery.skip > 0) return
        // The message itself reports what is missing before it.
        const origin = this.#origin({ ...delivery, missing: undefined }, message.room, message.seq)
        return this.#emitter.emit("gap", { ...message.data, room: delivery.room }, origin)
      }
      case "error":
        this.#subscriptions.rejected(message.data.about)
        return this.#emitter.emit("error", message.data)
      case "container_status_change":
        return this.#emitter.emit("container_status_change", message.data)
      case "engine_status":
        return this.#emitter.emit("engine_status", message.data)
      case "status":
        return this.#emitter.emit("status", message.data)
    }
  }

  #dispatchRoomEvent(
    message: Extract<
      ServerMessage,
      { event: "docker_progress" | "docker_log_complete" | "container_log_mark" | "container_stats" }
    >
  ): void {
    const delivery = this.#subscriptions.record(message, 1)
    if (delivery === undefined) return
    const origin = this.#origin(delivery, message.room, message.seq)
    if (delivery.skip > 0) return
    // One branch per event, so that the compiler can match each with its data.
    if (message.event === "docker_progress") {
      this.#emitter.emit(message.event, withRequestedId(message.data, delivery), origin)
    } else if (message.event === "docker_log_complete") {
      this.#emitter.emit(message.event, withRequestedId(message.data, delivery), origin)
    } else if (message.event === "container_log_mark") {
      this.#emitter.emit(message.event, withRequestedId(message.data, delivery), origin)
    } else {
      this.#emitter.emit(message.event, withRequestedId(message.data, delivery), origin)
    }
  }

  #dispatchLines(message: DockerLogMessage): void {
    const count = message.data.lines.length
    const delivery = this.#subscriptions.record(message, count)
    if (delivery === undefined) return
    const origin = this.#origin(delivery, message.room, message.seq)
    if (delivery.skip === count) return
    const data = withRequestedId(message.data, delivery)
    const unseen = delivery.skip === 0 ? data : { ...data, lines: data.lines.slice(delivery.skip) }
    const firstSeq = origin.seq === undefined ? undefined : origin.seq + delivery.skip
    const originAt = (index: number): EventOrigin =>
      firstSeq === undefined ? origin : { ...origin, seq: firstSeq + index }
    this.#emitter.emit("docker_log_batch", unseen, originAt(0))
    if (!this.#emitter.hasListeners("docker_log")) return
    unseen.lines.forEach((line, index) => this.#emitter.emit("docker_log", toLogEvent(unseen, line), originAt(index)))
  }

  /** The origin of a message's first event. Emits a `gap` first if events before it are missing. */
  #origin({ missing, room }: Delivery, canonical: string, seq: number | undefined): EventOrigin {
    if (missing !== undefined) {
      const gap = { room, ...missing, reason: "The server skipped these events." }
      this.#emitter.emit("gap", gap, { room, canonical })
    }
    return seq === undefined ? { room, canonical } : { room, canonical, seq }
  }
}
