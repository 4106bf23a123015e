import { batch, signal } from "@preact/signals"
import type { Endpoint } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import type { Listener, SocketEvents } from "../../client/SocketEvents.js"
import type { Socket } from "../../client/Socket.js"
import { operationRoom } from "../../Wire.js"
import { element } from "../element.js"
import { gapText } from "../log/logNotes.js"
import { LogView } from "../log/LogView.js"
import type { Progress } from "./progressNodes.js"

type Details = Endpoint<"operations.get">["success"]

/** How soon the details are asked for again while the server can't answer, in milliseconds. */
const retryTime = 2000

const makeBox = (): HTMLElement => {
  const box = element("div", "log-box")
  box.tabIndex = 0
  box.setAttribute("role", "log")
  box.setAttribute("aria-live", "off")
  box.setAttribute("aria-label", "Output")
  return box
}

/** One operation as it is watched: from its first line on, over cuts and restarts of the server, to its end. */
export class OperationRun {
  /** What shows its lines. */
  readonly box = makeBox()
  readonly details = signal<Details | undefined>(undefined)
  /** Why it can't be shown. */
  readonly problem = signal<string | undefined>(undefined)
  readonly progress = signal<ReadonlyArray<Progress>>([])
  /** How much of it is done, from 0 to 1, if that is known. */
  readonly fraction = signal<number | undefined>(undefined)
  readonly lines = signal(0)
  readonly following = signal(true)
  readonly #api: ApiCaller
  readonly #socket: Socket
  readonly #room: string
  readonly #view = new LogView(this.box)
  readonly #items = new Map<string, Progress>()
  readonly #controller = new AbortController()
  #nextId = 1
  #frame = 0
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(
    api: ApiCaller,
    socket: Socket,
    readonly id: string
  ) {
    this.#api = api
    this.#socket = socket
    this.#room = operationRoom(id)
    this.#view.onRender = () => {
      this.lines.value = this.#view.rows.lines
      this.following.value = this.#view.following
    }
    this.#view.setWrap(true)
    socket.on("docker_log_batch", this.#onLines)
    socket.on("docker_progress", this.#onProgress)
    socket.on("docker_log_complete", this.#onComplete)
    socket.on("gap", this.#onGap)
    socket.emit("join", { room: this.#room })
    void this.refresh()
  }

  /** Leaves it. It goes on. */
  close(): void {
    this.#controller.abort()
    clearTimeout(this.#retry)
    cancelAnimationFrame(this.#frame)
    this.#socket.emit("leave", { room: this.#room })
    this.#socket.off("docker_log_batch", this.#onLines)
    this.#socket.off("docker_progress", this.#onProgress)
    this.#socket.off("docker_log_complete", this.#onComplete)
    this.#socket.off("gap", this.#onGap)
  }

  /** Adapts to other colors, and to having become part of the page. */
  restyle(): void {
    this.#view.restyle()
  }

  scrollToEnd(): void {
    this.#view.scrollToEnd()
  }

  async refresh(): Promise<void> {
    const { signal: cancelled } = this.#controller
    const result = await this.#api.call("operations.get", { path: { id: this.id } }, { signal: cancelled })
    if (cancelled.aborted) return
    if (result.ok) {
      batch(() => {
        this.problem.value = undefined
        this.details.value = result.value
        this.fraction.value ??= result.value.fraction
      })
      return
    }
    this.problem.value = result.error.message
    if (result.status === 0 || result.status >= 500) this.#retry = setTimeout(() => void this.refresh(), retryTime)
  }

  readonly #onLines: Listener<"docker_log_batch"> = (data, origin) => {
    if (origin?.room !== this.#room) return
    this.#view.push(
      data.lines.map(([time, stream, text]) => ({ kind: "line", id: this.#nextId++, time, stream, text }) as const)
    )
  }

  readonly #onProgress: Listener<"docker_progress"> = (data, origin) => {
    if (origin?.room !== this.#room) return
    this.#items.set(data.id, data)
    if (data.fraction !== undefined) this.fraction.value = data.fraction
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.progress.value = Array.from(this.#items.values())
    })
  }

  readonly #onComplete: Listener<"docker_log_complete"> = (_, origin) => {
    if (origin?.room === this.#room) void this.refresh()
  }

  readonly #onGap = (data: SocketEvents["gap"]): void => {
    if (data.room !== this.#room) return
    const time = new Date().toISOString()
    this.#view.push([{ kind: "note", id: this.#nextId++, time, tone: "gap", text: gapText(data) }])
  }
}
