import { signal } from "@preact/signals"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import type { ConnectFailure } from "../../client/connection/ConnectFailure.js"
import type { Socket } from "../../client/Socket.js"
import { CloseCode, type EngineStatus } from "../../Wire.js"

/** How many times in a row a WebSocket must fail to open beside a server that answers: once may be a restart. */
const minFailures = 2

/** How often the way to the server and back is measured, in milliseconds. */
const measureInterval = 10_000

/** How long after connecting the first measurement is made: the page is busy until then. */
const settleTime = 500

/** How something is, in color and words. */
export interface Status {
  readonly tone: "good" | "busy" | "bad"
  readonly text: string
}

/** The connection to the Dockwire server, and what the server says of its engine. */
export class Connection {
  readonly status = signal<Status>({ tone: "busy", text: "Connecting" })
  readonly connected = signal(false)
  /** In how many seconds the client tries again; 0 while it does. */
  readonly countdown = signal<number | undefined>(undefined)
  /** Why there can be no live connection, although the server answers. */
  readonly problem = signal<string | undefined>(undefined)
  /** The way to the server and back, in milliseconds. */
  readonly roundTrip = signal<number | undefined>(undefined)
  /** What was last said of the engine. */
  readonly engine = signal<EngineStatus | undefined>(undefined)
  readonly #socket: Socket
  #timer: ReturnType<typeof setInterval> | undefined
  /** Failed attempts in a row to open the WebSocket of a server that answers. */
  #failures = 0
  /** Whether the status tells more than that the client reconnects. */
  #isExplained = false

  /** `onNotAllowed` is called when the server rejects this browser. */
  constructor(socket: Socket, api: ApiCaller, onNotAllowed: () => void) {
    this.#socket = socket
    socket.on("connect", () => {
      this.#stopCountdown()
      this.#failures = 0
      this.#isExplained = false
      this.problem.value = undefined
      this.connected.value = true
      this.status.value = { tone: "good", text: "Live" }
      setTimeout(() => void this.#measure(), settleTime)
    })
    socket.on("connect_error", (failure) => this.#showFailure(failure))
    socket.on("disconnect", ({ code, reason, reconnects }) => {
      this.connected.value = false
      this.roundTrip.value = undefined
      if (!reconnects) {
        this.#stopCountdown()
        this.status.value = { tone: "bad", text: "Disconnected" }
        return
      }
      if (code === CloseCode.tooSlow) {
        this.status.value = { tone: "busy", text: "Too slow for all that is written, catching up; nothing is lost" }
        this.#isExplained = true
        return
      }
      // A browser has no reason for a connection that was lost: this is the client's own.
      const isSilence = code === 1006 && reason !== ""
      this.status.value = { tone: "busy", text: isSilence ? `${reason}, reconnecting` : "Reconnecting" }
      this.#isExplained = isSilence
      // Requests would wait for minutes, and the list could not be fetched again until then.
      if (isSilence) api.abortAll()
    })
    socket.on("reconnecting", ({ delay }) => {
      if (!this.#isExplained) this.status.value = { tone: "busy", text: "Reconnecting" }
      this.#startCountdown(delay)
    })
    socket.on("error", ({ code, message }) => {
      if (code === "not_allowed") onNotAllowed()
      else if (code === "not_this_protocol")
        this.status.value = { tone: "bad", text: "Dockwire was updated. Reload this page." }
      else if (code === "closed") this.status.value = { tone: "bad", text: message }
    })
    socket.on("engine_status", (status) => {
      this.engine.value = status
    })
    addEventListener("online", () => socket.connect())
    setInterval(() => {
      if (!document.hidden && this.connected.value) void this.#measure()
    }, measureInterval)
  }

  /** Connects now instead of waiting. */
  retry(): void {
    this.#socket.connect()
  }

  async #measure(): Promise<void> {
    const start = performance.now()
    try {
      await fetch(new URL("healthz", document.baseURI), {
        cache: "no-store",
        signal: AbortSignal.timeout(measureInterval)
      })
      if (this.connected.value) this.roundTrip.value = Math.max(1, Math.round(performance.now() - start))
    } catch {
      this.roundTrip.value = undefined
    }
  }

  #showFailure({ message, reason }: ConnectFailure): void {
    // While the server can't be reached, there is nothing to say beyond that.
    if (reason === "unreachable" || reason === "timeout") {
      this.#isExplained = true
      this.status.value = { tone: "busy", text: "Can't reach Dockwire, reconnecting" }
    }
    if (reason === "no_websocket") this.#failures++
    if (reason !== "http" && this.#failures < minFailures) return
    this.problem.value = message
  }

  #startCountdown(delay: number): void {
    clearInterval(this.#timer)
    const end = Date.now() + delay
    const tick = (): void => {
      this.countdown.value = Math.max(0, Math.ceil((end - Date.now()) / 1000))
    }
    tick()
    this.#timer = setInterval(tick, 250)
  }

  #stopCountdown(): void {
    clearInterval(this.#timer)
    this.countdown.value = undefined
  }
}
