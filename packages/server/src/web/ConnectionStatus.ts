import type { Socket } from "../client/Socket.js"
import { byId, setStatus } from "./element.js"

/** The connection to the Dockwire server, as the footer shows it. */
export class ConnectionStatus {
  /** Called when the server rejects this browser. */
  onNotAllowed: () => void = () => {}
  readonly #status = byId("connection", HTMLElement)
  readonly #countdown = byId("countdown", HTMLElement)
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(socket: Socket) {
    socket.on("connect", () => {
      this.#stopCountdown()
      setStatus(this.#status, "good", "Connected")
    })
    socket.on("disconnect", ({ reconnects }) => {
      if (!reconnects) this.#stopCountdown()
      setStatus(this.#status, reconnects ? "busy" : "bad", reconnects ? "Reconnecting" : "Disconnected")
    })
    socket.on("reconnecting", ({ delay }) => {
      setStatus(this.#status, "busy", "Reconnecting")
      this.#startCountdown(delay)
    })
    socket.on("error", ({ code, message }) => {
      if (code === "not_allowed") this.onNotAllowed()
      else if (code === "not_this_protocol") setStatus(this.#status, "bad", "Dockwire was updated. Reload this page.")
      else if (code === "closed") setStatus(this.#status, "bad", message)
    })
  }

  #startCountdown(delay: number): void {
    clearInterval(this.#timer)
    const end = Date.now() + delay
    const tick = (): void => {
      const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000))
      this.#countdown.textContent = seconds > 0 ? `in ${seconds} s` : "…"
    }
    tick()
    this.#timer = setInterval(tick, 250)
  }

  #stopCountdown(): void {
    clearInterval(this.#timer)
    this.#countdown.textContent = ""
  }
}
