import { signal } from "@preact/signals"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import type { Socket } from "../../client/Socket.js"
import { containerLogsRoom } from "../../Wire.js"
import { element } from "../element.js"
import { loadSetting, saveSetting } from "../model/settings.js"
import { countLines, gapText, markText } from "./logNotes.js"
import { LogView } from "./LogView.js"
import { OlderLines } from "./OlderLines.js"
import type { NoteRow, Row } from "./Rows.js"
import { Rows } from "./Rows.js"

/** How many past lines to show at first. */
const tail = 1000

/** How much is kept while the log is paused. */
const pausedLimits = { rows: 10_000, characters: 16_000_000 }

/** What the toolbar and the footer say of the log. */
export interface LogFigures {
  readonly rows: number
  readonly lines: number
  readonly matches: number
  readonly dropped: number
  /** Lines that arrived while the log is paused; undefined while it is not. */
  readonly waiting: number | undefined
  /** Whether the view follows the end, and how many lines have come since it did. */
  readonly following: boolean
  readonly unseen: number
}

const nothing: LogFigures = {
  rows: 0,
  lines: 0,
  matches: 0,
  dropped: 0,
  waiting: undefined,
  following: true,
  unseen: 0
}

/** What is known to be missing from the log. */
export interface LostLines {
  readonly lines: number
  /** Whether there are gaps of which nobody knows how long they are. */
  readonly more: boolean
}

const makeBox = (): HTMLElement => {
  const box = element("div")
  box.id = "log"
  box.tabIndex = 0
  for (const [name, value] of [
    ["role", "log"],
    ["aria-live", "off"],
    ["aria-label", "Log lines"]
  ] as const)
    box.setAttribute(name, value)
  return box
}

/** The log of one container at a time. */
export class LogController {
  /** What shows the lines. */
  readonly box = makeBox()
  readonly figures = signal(nothing)
  readonly filter = signal("")
  readonly times = signal(loadSetting("times") === "on")
  /** Lines are wrapped on a phone unless the reader has decided otherwise. */
  readonly wrap = signal((loadSetting("wrap") ?? (matchMedia("(max-width: 760px)").matches ? "on" : "off")) === "on")
  readonly lost = signal<LostLines>({ lines: 0, more: false })
  /** Whether the server has answered. */
  readonly isLoaded = signal(false)
  readonly #socket: Socket
  readonly #view = new LogView(this.box)
  readonly #older: OlderLines
  /** Whether older lines are being read, or there are none. */
  #olderState: "some" | "loading" | "none" = "some"
  /** How many lines the page had dropped when there were no older ones. */
  #droppedBefore = 0
  /** The rows that arrived while the log is paused; undefined while it is not. */
  #held: Rows | undefined
  #containerId: string | undefined
  #nextId = 1
  #received = 0
  /** The value of `#received` when the end was last in view. */
  #seen = 0

  constructor(socket: Socket, api: ApiCaller) {
    this.#socket = socket
    this.#older = new OlderLines(api, () => this.#nextId++)
    this.#view.onRender = () => this.#show()
    this.#view.onStart = () => void this.#loadOlder()
    this.#view.setTimes(this.times.value)
    this.#view.setWrap(this.wrap.value)
    socket.on("joined", (data) => {
      if (data.room === this.#room()) this.isLoaded.value = true
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
      if (data.room !== this.#room()) return
      this.#addLost(data.lines)
      this.#appendNote("gap", gapText(data))
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
    this.isLoaded.value = false
    this.lost.value = { lines: 0, more: false }
    this.#received = 0
    this.#seen = 0
    this.#olderState = "some"
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

  /** Shows only lines that contain this text. */
  setFilter(text: string): void {
    this.filter.value = text
    this.#view.setFilter(text)
  }

  toggle(setting: "times" | "wrap"): void {
    const on = !this[setting].value
    this[setting].value = on
    saveSetting(setting, on ? "on" : "off")
    if (setting === "times") this.#view.setTimes(on)
    else this.#view.setWrap(on)
  }

  scrollToEnd(): void {
    this.#view.scrollToEnd()
    this.box.focus()
  }

  /** Adapts to other colors, and to having become part of the page. */
  restyle(): void {
    this.#view.restyle()
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

  /** Reads what came before, and puts it in front. */
  async #loadOlder(): Promise<void> {
    const id = this.#containerId
    const { dropped, hasRoom } = this.#view.rows
    const isNone = this.#olderState === "none" && dropped === this.#droppedBefore
    if (id === undefined || !this.isLoaded.value || this.#olderState === "loading" || isNone || !hasRoom) return
    this.#olderState = "loading"
    const older = await this.#older.before(id, this.#view.rows.oldest())
    if (this.#containerId !== id) return
    // A server that does not answer now is asked again when the reader scrolls on.
    this.#olderState = older?.isAll === true ? "none" : "some"
    this.#droppedBefore = this.#view.rows.dropped
    if (older !== undefined) this.#view.prepend(older.rows)
  }

  #addLost(lines: number | undefined): void {
    const lost = this.lost.peek()
    this.lost.value = { lines: lost.lines + (lines ?? 0), more: lost.more || lines === undefined }
  }

  #appendNote(tone: NoteRow["tone"], text: string, time = new Date().toISOString()): void {
    this.#append([{ kind: "note", id: this.#nextId++, time, tone, text }])
  }

  #append(rows: ReadonlyArray<Row>): void {
    if (this.#held !== undefined) {
      this.#held.push(rows)
      return this.#show()
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
        this.#addLost(held.dropped)
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
    this.#show()
  }

  #show(): void {
    const { dropped, length, lines, matches } = this.#view.rows
    const { following } = this.#view
    if (following) this.#seen = this.#received
    this.figures.value = {
      rows: length,
      lines,
      matches,
      dropped,
      waiting: this.#held === undefined ? undefined : this.#held.lines + this.#held.dropped,
      following,
      unseen: this.#received - this.#seen
    }
  }
}
