import type { Socket } from "../../client/Socket.js"
import type { SocketEvents } from "../../client/SocketEvents.js"
import { containerLogsRoom } from "../../Wire.js"
import { byId, setText } from "../element.js"
import { LogView } from "./LogView.js"
import type { NoteRow, Row } from "./Rows.js"
import { Rows } from "./Rows.js"

/** How many past lines to show at first. */
const tail = 1000

/** How much is kept while the log is paused. */
const pausedLimits = { rows: 10_000, characters: 16_000_000 }

/** What the browser remembers between visits. */
type Setting = "times" | "wrap"

const loadSetting = (setting: Setting): boolean => {
  try {
    return localStorage.getItem(setting) === "on"
  } catch {
    // The browser allows this page no storage.
    return false
  }
}

const saveSetting = (setting: Setting, on: boolean): void => {
  try {
    localStorage.setItem(setting, on ? "on" : "off")
  } catch {
    // As above.
  }
}

const countLines = (count: number): string => `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}`

const markText = (data: SocketEvents["container_log_mark"]): string => {
  switch (data.mark) {
    case "started":
      return "Started"
    case "stopped":
      return data.exit_code === undefined ? "Stopped" : `Stopped with exit code ${data.exit_code}`
    case "removed":
      return "Removed"
    case "recreated":
      return "Recreated: the name now belongs to a new container"
    case "engine_error":
      return `Docker could not read the log any further: ${data.message}`
  }
}

const gapText = (data: SocketEvents["gap"]): string => {
  const lines = data.lines === undefined ? "lines missing" : `${countLines(data.lines)} missing`
  return `Gap: ${lines}. ${data.reason}`
}

/** The log of one container at a time, with its toolbar. */
export class LogPane {
  readonly #socket: Socket
  readonly #box = byId("log", HTMLElement)
  readonly #empty = byId("log-empty", HTMLElement)
  readonly #filter = byId("filter", HTMLInputElement)
  readonly #count = byId("count", HTMLElement)
  readonly #pause = byId("pause", HTMLButtonElement)
  readonly #jump = byId("jump", HTMLButtonElement)
  readonly #view = new LogView(this.#box)
  /** The rows that arrived while the log is paused; undefined while it is not. */
  #held: Rows | undefined
  #containerId: string | undefined
  #isLoaded = false
  #nextId = 1
  #received = 0
  /** The value of `#received` when the end was last in view. */
  #seen = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.#view.onRender = () => this.#renderToolbar()
    this.#bindToggle("times", (on) => this.#view.setTimes(on))
    this.#bindToggle("wrap", (on) => this.#view.setWrap(on))
    this.#filter.addEventListener("input", () => this.#view.setFilter(this.#filter.value))
    this.#filter.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return
      this.#filter.value = ""
      this.#view.setFilter("")
      this.#box.focus()
    })
    this.#pause.addEventListener("click", () => this.togglePause())
    this.#jump.addEventListener("click", () => {
      this.#view.scrollToEnd()
      this.#box.focus()
    })
    const darkMode = matchMedia("(prefers-color-scheme: dark)")
    darkMode.addEventListener("change", () => this.#view.restyle())

    socket.on("connect", () => this.#renderToolbar())
    socket.on("disconnect", () => this.#renderToolbar())
    socket.on("joined", (data) => {
      if (data.room !== this.#room()) return
      this.#isLoaded = true
      this.#renderToolbar()
    })
    socket.on("docker_log_batch", (data, origin) => {
      if (origin?.room !== this.#room()) return
      this.#append(
        data.lines.map(([time, stream, text]) => ({ kind: "line", id: this.#nextId++, time, stream, text }) as const)
      )
    })
    socket.on("container_log_mark", (data, origin) => {
      if (origin?.room !== this.#room()) return
      this.#appendNote(data.mark === "engine_error" ? "error" : "mark", markText(data), data.timestamp)
    })
    socket.on("gap", (data) => {
      if (data.room === this.#room()) this.#appendNote("gap", gapText(data))
    })
    socket.on("error", ({ about, message }) => {
      if (about !== undefined && (about === this.#containerId || about === this.#room()))
        this.#appendNote("error", message)
    })
  }

  /** Shows the log of this container, starting with its last lines; or no log. */
  follow(id: string | undefined): void {
    if (id === this.#containerId) return
    this.#unsubscribe()
    this.#containerId = id
    this.#isLoaded = false
    this.#received = 0
    this.#seen = 0
    this.#setPaused(false)
    this.#view.clear()
    this.#subscribe()
  }

  /** Continues with a new container of the same name, below the lines of the old one. */
  continueWith(id: string): void {
    if (id === this.#containerId) return
    this.#unsubscribe()
    this.#containerId = id
    this.#appendNote("mark", `Continues with the new container ${id.slice(0, 12)}`)
    this.#subscribe()
  }

  togglePause(): void {
    if (this.#containerId !== undefined) this.#setPaused(this.#held === undefined)
  }

  focusFilter(): void {
    this.#filter.focus()
    this.#filter.select()
  }

  #room(): string | undefined {
    return this.#containerId === undefined ? undefined : containerLogsRoom(this.#containerId)
  }

  #unsubscribe(): void {
    if (this.#containerId !== undefined) this.#socket.emit("stop_container_logs", { container_id: this.#containerId })
  }

  #subscribe(): void {
    if (this.#containerId !== undefined) {
      this.#socket.emit("stream_container_logs", { container_id: this.#containerId, tail })
    }
  }

  #bindToggle(setting: Setting, apply: (on: boolean) => void): void {
    const button = byId(setting, HTMLButtonElement)
    const set = (on: boolean): void => {
      button.setAttribute("aria-pressed", String(on))
      apply(on)
    }
    set(loadSetting(setting))
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true"
      saveSetting(setting, on)
      set(on)
    })
  }

  #appendNote(tone: NoteRow["tone"], text: string, time = new Date().toISOString()): void {
    this.#append([{ kind: "note", id: this.#nextId++, time, tone, text }])
  }

  #append(rows: ReadonlyArray<Row>): void {
    if (this.#held !== undefined) {
      this.#held.push(rows)
      this.#renderToolbar()
      return
    }
    this.#received += rows.length
    this.#view.push(rows)
  }

  #setPaused(paused: boolean): void {
    if (paused === (this.#held !== undefined)) return
    const held = this.#held
    this.#held = paused ? new Rows(pausedLimits) : undefined
    if (held !== undefined) {
      if (held.dropped > 0) {
        this.#appendNote(
          "gap",
          `Gap: ${countLines(held.dropped)} missing. More arrived during the pause than the page can hold.`
        )
      }
      const rows: Array<Row> = []
      for (let index = 0; index < held.length; index++) {
        const row = held.at(index)
        if (row !== undefined) rows.push(row)
      }
      this.#append(rows)
    }
    this.#pause.setAttribute("aria-pressed", String(paused))
    this.#renderToolbar()
  }

  #renderToolbar(): void {
    const { dropped, filter, lines, matches } = this.#view.rows
    const shown = filter === "" ? countLines(lines) : `${matches.toLocaleString("en")} of ${countLines(lines)}`
    setText(this.#count, dropped > 0 ? `${shown}, oldest ${dropped.toLocaleString("en")} discarded` : shown)

    const waiting = this.#held === undefined ? 0 : this.#held.lines + this.#held.dropped
    const resume = waiting === 0 ? "Resume" : `Resume (${waiting.toLocaleString("en")} waiting)`
    setText(this.#pause, this.#held === undefined ? "Pause" : resume)

    const { following } = this.#view
    if (following) this.#seen = this.#received
    const unseen = this.#received - this.#seen
    this.#jump.hidden = following
    setText(this.#jump, unseen > 0 ? `Jump to latest (${unseen.toLocaleString("en")} new)` : "Jump to latest")

    this.#empty.hidden = this.#view.rows.length > 0
    setText(this.#empty, this.#emptyMessage())
  }

  #emptyMessage(): string {
    const { filter, lines } = this.#view.rows
    if (filter !== "" && lines > 0) return "No lines match the filter."
    if (this.#isLoaded) return "No log output yet. New lines appear here as they are written."
    return this.#socket.connected ? "Loading log…" : "The log appears here as soon as there is a connection."
  }
}
