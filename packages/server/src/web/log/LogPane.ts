import type { Socket } from "../../client/Socket.js"
import type { SocketEvents } from "../../client/SocketEvents.js"
import { containerLogsRoom } from "../../Wire.js"
import { byId } from "../element.js"
import { LogView } from "./LogView.js"
import type { NoteRow, Row } from "./Rows.js"
import { Rows } from "./Rows.js"

/** How many of the last lines a log begins with. */
const tail = 1000

/** How much is kept while the log is paused. */
const pausedLimits = { rows: 10_000, characters: 16_000_000 }

/** What is remembered from visit to visit. */
type Setting = "times" | "wrap"

const remembered = (setting: Setting): boolean => {
  try {
    return localStorage.getItem(setting) === "on"
  } catch {
    // The browser keeps nothing for this page.
    return false
  }
}

const remember = (setting: Setting, on: boolean): void => {
  try {
    localStorage.setItem(setting, on ? "on" : "off")
  } catch {
    // As above.
  }
}

const count = (number: number, one: string): string => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`

const markText = (data: SocketEvents["container_log_mark"]): string => {
  switch (data.mark) {
    case "started":
      return "Started"
    case "stopped":
      return data.exit_code === undefined ? "Stopped" : `Stopped with exit code ${data.exit_code}`
    case "removed":
      return "Removed"
    case "recreated":
      return "Recreated: another container has this name now"
    case "engine_error":
      return `The engine could not read on: ${data.message}`
  }
}

const gapText = (data: SocketEvents["gap"]): string => {
  const lines = data.lines === undefined ? "lines are missing" : `${count(data.lines, "line")} missing`
  return `Gap: ${lines}. ${data.reason}`
}

/** The log of one container at a time, with the tools over it. */
export class LogPane {
  readonly #socket: Socket
  readonly #box = byId("log", HTMLElement)
  readonly #empty = byId("log-empty", HTMLElement)
  readonly #filter = byId("filter", HTMLInputElement)
  readonly #count = byId("count", HTMLElement)
  readonly #pause = byId("pause", HTMLButtonElement)
  readonly #jump = byId("jump", HTMLButtonElement)
  readonly #view = new LogView(this.#box)
  /** What came while the log was paused. */
  #waiting: Rows | undefined
  #following: string | undefined
  #loaded = false
  #nextId = 1
  /** How many lines had come when the end was last in sight. */
  #seen = 0
  #came = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.#view.onRender = () => this.#describe()
    this.#toggle("times", (on) => this.#view.setTimes(on))
    this.#toggle("wrap", (on) => this.#view.setWrap(on))
    this.#filter.addEventListener("input", () => this.#view.setFilter(this.#filter.value))
    this.#filter.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return
      this.#filter.value = ""
      this.#view.setFilter("")
      this.#box.focus()
    })
    this.#pause.addEventListener("click", () => this.togglePause())
    this.#jump.addEventListener("click", () => {
      this.#view.toEnd()
      this.#box.focus()
    })
    const colours = matchMedia("(prefers-color-scheme: dark)")
    colours.addEventListener("change", () => this.#view.restyle())

    socket.on("joined", (data) => {
      if (data.room !== this.#room()) return
      this.#loaded = true
      this.#describe()
    })
    socket.on("docker_log_batch", (data, place) => {
      if (place?.room !== this.#room()) return
      this.#take(
        data.lines.map(([time, stream, text]) => ({ kind: "line", id: this.#nextId++, time, stream, text }) as const)
      )
    })
    socket.on("container_log_mark", (data, place) => {
      if (place?.room !== this.#room()) return
      this.#note(data.mark === "engine_error" ? "error" : "mark", markText(data), data.timestamp)
    })
    socket.on("gap", (data) => {
      if (data.room === this.#room()) this.#note("gap", gapText(data))
    })
    socket.on("error", ({ about, message }) => {
      if (about !== undefined && (about === this.#following || about === this.#room())) this.#note("error", message)
    })
  }

  /** Shows this container's log from its last lines on; or none. */
  follow(id: string | undefined): void {
    if (id === this.#following) return
    this.#leave()
    this.#following = id
    this.#loaded = false
    this.#seen = 0
    this.#came = 0
    this.#setPaused(false)
    this.#view.clear()
    this.#ask()
  }

  /** Goes on with another container of the same name, under the lines of the first. */
  goOn(id: string): void {
    if (id === this.#following) return
    this.#leave()
    this.#following = id
    this.#note("mark", `Goes on with the new container ${id.slice(0, 12)}`)
    this.#ask()
  }

  togglePause(): void {
    if (this.#following !== undefined) this.#setPaused(this.#waiting === undefined)
  }

  focusFilter(): void {
    this.#filter.focus()
    this.#filter.select()
  }

  #room(): string | undefined {
    return this.#following === undefined ? undefined : containerLogsRoom(this.#following)
  }

  #leave(): void {
    if (this.#following !== undefined) this.#socket.emit("stop_container_logs", { container_id: this.#following })
  }

  #ask(): void {
    if (this.#following !== undefined) {
      this.#socket.emit("stream_container_logs", { container_id: this.#following, tail })
    }
  }

  #toggle(setting: Setting, apply: (on: boolean) => void): void {
    const button = byId(setting, HTMLButtonElement)
    const set = (on: boolean): void => {
      button.setAttribute("aria-pressed", String(on))
      apply(on)
    }
    set(remembered(setting))
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true"
      remember(setting, on)
      set(on)
    })
  }

  #note(tone: NoteRow["tone"], text: string, time = new Date().toISOString()): void {
    this.#take([{ kind: "note", id: this.#nextId++, time, tone, text }])
  }

  #take(rows: ReadonlyArray<Row>): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(rows)
      this.#describe()
      return
    }
    this.#came += rows.length
    this.#view.push(rows)
  }

  #setPaused(paused: boolean): void {
    if (paused === (this.#waiting !== undefined)) return
    const waiting = this.#waiting
    this.#waiting = paused ? new Rows(pausedLimits) : undefined
    if (waiting !== undefined) {
      if (waiting.dropped > 0) {
        this.#note("gap", `Gap: ${count(waiting.dropped, "line")} came during the pause that there was no room for`)
      }
      const rows: Array<Row> = []
      for (let index = 0; index < waiting.length; index++) {
        const row = waiting.at(index)
        if (row !== undefined) rows.push(row)
      }
      this.#take(rows)
    }
    this.#pause.setAttribute("aria-pressed", String(paused))
    this.#describe()
  }

  #describe(): void {
    const { dropped, filter, lines, matches } = this.#view.rows
    const shown = filter === "" ? count(lines, "line") : `${matches.toLocaleString("en")} of ${count(lines, "line")}`
    const gone = dropped > 0 ? `, the oldest ${dropped.toLocaleString("en")} dropped` : ""
    say(this.#count, shown + gone)

    const waiting = this.#waiting
    const held = waiting === undefined ? 0 : waiting.lines + waiting.dropped
    say(
      this.#pause,
      waiting === undefined ? "Pause" : held === 0 ? "Resume" : `Resume (${held.toLocaleString("en")} waiting)`
    )

    const { following } = this.#view
    if (following) this.#seen = this.#came
    const unseen = this.#came - this.#seen
    this.#jump.hidden = following
    say(this.#jump, unseen > 0 ? `Jump to the end (${unseen.toLocaleString("en")} new)` : "Jump to the end")

    this.#empty.hidden = this.#view.rows.length > 0
    say(
      this.#empty,
      filter !== "" && lines > 0
        ? "No line has this text."
        : this.#loaded
          ? "No lines yet. They appear here as they are written."
          : "Asking for the log …"
    )
  }
}

/** Changes a text only if it is another, for the sake of those who have it read out to them. */
const say = (where: HTMLElement, text: string): void => {
  if (where.textContent !== text) where.textContent = text
}
