import type { ConnectFailure } from "../client/connection/ConnectFailure.js"
import type { Socket } from "../client/Socket.js"
import { byId, setStatus, setText } from "./element.js"

/** How many times in a row a WebSocket must fail to open beside a server that answers: once may be a restart. */
const minFailures = 2

/** The connection to the Dockwire server: its state in the footer, and what is wrong if it can't be opened. */
export class ConnectionStatus {
  /** Called when the server rejects this browser. */
  onNotAllowed: () => void = () => {}
  /** Called when nothing gets through any more, although the connection looked open. */
  onSilence: () => void = () => {}
  readonly #status = byId("connection", HTMLElement)
  readonly #countdown = byId("countdown", HTMLElement)
  readonly #problem = byId("connection-problem", HTMLElement)
  readonly #reason = byId("connection-reason", HTMLElement)
  #timer: ReturnType<typeof setInterval> | undefined
  /** Failed attempts in a row to open the WebSocket of a server that answers. */
  #failures = 0
  /** Whether the status tells more than that the client reconnects. */
  #isExplained = false

  constructor(socket: Socket) {
    setStatus(this.#status, "busy", "Connecting")
    socket.on("connect", () => {
      this.#stopCountdown()
      this.#failures = 0
      this.#isExplained = false
      this.#problem.hidden = true
      setStatus(this.#status, "good", "Connected")
    })
    socket.on("connect_error", (failure) => this.#showFailure(failure))
    socket.on("disconnect", ({ code, reason, reconnects }) => {
      if (!reconnects) {
        this.#stopCountdown()
        return setStatus(this.#status, "bad", "Disconnected")
      }
      // A browser has no reason for a connection that was lost: this is the client's own.
      const isSilence = code === 1006 && reason !== ""
      setStatus(this.#status, "busy", isSilence ? `${reason}, reconnecting` : "Reconnecting")
      this.#isExplained = isSilence
      if (isSilence) this.onSilence()
    })
    socket.on("reconnecting", ({ delay }) => {
      if (!this.#isExplained) setStatus(this.#status, "busy", "Reconnecting")
      this.#startCountdown(delay)
    })
    socket.on("error", ({ code, message }) => {
      if (code === "not_allowed") this.onNotAllowed()
      else if (code === "not_this_protocol") setStatus(this.#status, "bad", "Dockwire was updated. Reload this page.")
      else if (code === "closed") setStatus(this.#status, "bad", message)
    })
  }

  #showFailure({ message, reason }: ConnectFailure): void {
    // While the server can't be reached, there is nothing to say beyond that.
    if (reason === "unreachable" || reason === "timeout") {
      this.#isExplained = true
      setStatus(this.#status, "busy", "Can't reach Dockwire, reconnecting")
    }
    if (reason === "no_websocket") this.#failures++
    if (reason !== "http" && this.#failures < minFailures) return
    this.#problem.hidden = false
    setText(this.#reason, message)
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
