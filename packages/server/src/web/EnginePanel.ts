import type { Socket } from "../client/Socket.js"
import type { EngineStatus } from "../Wire.js"
import { byId, setStatus } from "./element.js"

/** The engine: its status in the footer, the banner of a demo, and what to do while it is unavailable. */
export class EnginePanel {
  /** Called after each change. */
  onChange: (status: EngineStatus) => void = () => {}
  readonly #status = byId("engine", HTMLElement)
  readonly #demo = byId("demo", HTMLElement)
  readonly #demoReason = byId("demo-reason", HTMLElement)
  readonly #problem = byId("engine-problem", HTMLElement)
  readonly #reason = byId("engine-reason", HTMLElement)
  readonly #endpoint = byId("engine-endpoint", HTMLElement)

  constructor(socket: Socket) {
    socket.on("engine_status", (status) => {
      this.#show(status)
      this.onChange(status)
    })
    socket.on("disconnect", () => {
      this.#status.hidden = true
    })
  }

  /** Whether the last report said that the engine is unavailable. */
  get isUnavailable(): boolean {
    return !this.#problem.hidden
  }

  #show({ available, demo, endpoint, reason, version }: EngineStatus): void {
    this.#demo.hidden = demo === undefined
    this.#demoReason.textContent = demo ?? ""
    this.#status.hidden = false
    this.#status.title = endpoint
    if (!available) setStatus(this.#status, "bad", "Docker is unavailable")
    else if (demo === undefined) setStatus(this.#status, "good", `Docker ${version ?? ""}`.trim())
    else setStatus(this.#status, "busy", "Demo, no Docker")
    this.#problem.hidden = available
    this.#endpoint.textContent = endpoint
    this.#reason.textContent = reason ?? "The engine is not responding."
  }
}
