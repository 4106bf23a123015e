import type { WebSocketLike } from "../../packages/server/src/client/connection/Transport.js"

type Handler = (event: { data: unknown; code: number; reason: string }) => void

/** A WebSocket without a network, which the test controls. Listeners are called synchronously, so what they throw is seen. */
export class FakeWebSocket implements WebSocketLike {
  /** Every instance, the newest last. */
  static readonly instances: Array<FakeWebSocket> = []
  readonly sent: Array<string> = []
  isClosed = false
  private readonly handlers: Array<{ readonly type: string; readonly handler: Handler }> = []

  constructor() {
    FakeWebSocket.instances.push(this)
  }

  send(data: string): void {
    this.sent.push(data)
  }

  close(): void {
    this.isClosed = true
  }

  addEventListener(type: string, handler: Handler): void {
    this.handlers.push({ type, handler })
  }

  open(): void {
    this.emit("open")
  }

  receive(data: unknown): void {
    this.emit("message", { data })
  }

  private emit(type: string, event: { readonly data?: unknown } = {}): void {
    for (const each of this.handlers) {
      if (each.type === type) each.handler({ data: event.data, code: 1006, reason: "" })
    }
  }
}
