import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core"
import type { Colour } from "./Color.js"
import { formatColour, parseColour, readable } from "./Color.js"
import { element } from "../element.js"
import type { Piece } from "./LogText.js"
import { pieces } from "./LogText.js"
import type { LineRow, NoteRow, Row } from "./Rows.js"
import { occurrences, Rows } from "./Rows.js"

/** How many characters of a line are shown at first, and how many more at each wish for more. */
const firstPart = 4096
const nextPart = 65_536

/** This near to the end, in pixels, counts as at the end: the view then follows what comes. */
const nearEnd = 24

/** How long a reader who starts to go up is left alone, in milliseconds. */
const upTime = 300

/** How many rows wait for the next frame at most. */
const incomingLimit = 5000

const upKeys: ReadonlySet<string> = new Set(["ArrowUp", "PageUp", "Home"])

const limits = { rows: 50_000, characters: 64_000_000 }

const two = (value: number): string => String(value).padStart(2, "0")

/** `14:03:22.123` in the viewer's time; with the date when it was not today. */
const clock = (time: string): string => {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return time
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`
  const today = date.toDateString() === new Date().toDateString()
  return `${today ? "" : day}${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`
}

/** Shows rows in a box that scrolls. Only those in sight are in the document. */
export class LogView {
  /** Called after each change of what is in sight. */
  onRender: () => void = () => {}
  readonly #box: HTMLElement
  readonly #sizer = element("div", "log-sizer")
  readonly #window = element("div", "log-window")
  readonly #virtual: Virtualizer<HTMLElement, HTMLElement>
  readonly #drawn = new Map<number, HTMLElement>()
  /** How much is shown of lines of which more than `firstPart` was wished for. */
  readonly #wished = new Map<number, number>()
  #rows = new Rows(limits)
  /** Rows that wait for the next frame. */
  #incoming: Array<Row> = []
  /** Whether to stay at the end, whatever comes. */
  #follow = true
  /** Until then a reader is on the way up, however near to the end that begins. */
  #upUntil = 0
  #wrap = false
  #lineHeight = 20
  #frame = 0
  /** Where the box was scrolled to, last. */
  #top = 0
  #ground: Colour = [255, 255, 255]
  #ink: Colour = [0, 0, 0]

  constructor(box: HTMLElement) {
    this.#box = box
    this.#sizer.append(this.#window)
    box.append(this.#sizer)
    this.#virtual = new Virtualizer<HTMLElement, HTMLElement>({
      count: 0,
      getScrollElement: () => box,
      getItemKey: (index) => this.#rows.at(index)?.id ?? -index,
      estimateSize: () => this.#lineHeight,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      overscan: 12,
      paddingStart: 8,
      paddingEnd: 8,
      anchorTo: "end",
      onChange: (_, sync) => (sync ? this.#render() : this.#later())
    })
    this.#virtual._didMount()
    const wantsUp = (): void => {
      this.#upUntil = performance.now() + upTime
      this.#follow = false
    }
    const passive = { passive: true }
    box.addEventListener("wheel", (event) => (event.deltaY < 0 ? wantsUp() : undefined), passive)
    box.addEventListener("touchmove", wantsUp, passive)
    box.addEventListener("keydown", (event) => (upKeys.has(event.key) ? wantsUp() : undefined))
    box.addEventListener("scroll", () => this.#scrolled(), passive)
    this.restyle()
    this.#render()
  }

  get rows(): Rows {
    return this.#rows
  }

  /** Whether the view is at its end and follows what comes. */
  get following(): boolean {
    return this.#follow
  }

  /** Begins with no rows. */
  clear(): void {
    const filter = this.#rows.filter
    this.#rows = new Rows(limits)
    this.#rows.setFilter(filter)
    this.#incoming = []
    this.#wished.clear()
    this.#follow = true
    this.#virtual.measure()
    this.#render()
  }

  push(rows: ReadonlyArray<Row>): void {
    for (const row of rows) this.#incoming.push(row)
    // In a tab that is not looked at no frame comes: then this is the bound.
    if (this.#incoming.length > incomingLimit) this.#render()
    else this.#later()
  }

  /** Shows only lines that hold this text, and marks it in them. */
  setFilter(needle: string): void {
    this.#virtual.getTotalSize()
    this.#rows.setFilter(needle)
    this.#drawn.clear()
    this.#render()
  }

  setWrap(wrap: boolean): void {
    this.#wrap = wrap
    this.#box.classList.toggle("wrap", wrap)
    this.#drawn.clear()
    this.#virtual.measure()
    this.#render()
  }

  setTimes(times: boolean): void {
    this.#box.classList.toggle("times", times)
    if (this.#wrap) this.setWrap(true)
  }

  toEnd(): void {
    this.#follow = true
    this.#upUntil = 0
    this.#render()
  }

  /** The colours or the size of the type are others now. */
  restyle(): void {
    const style = getComputedStyle(this.#box)
    this.#ground = parseColour(style.backgroundColor)
    this.#ink = parseColour(style.color)
    this.#lineHeight = Number.parseFloat(style.lineHeight) || 20
    this.#drawn.clear()
    this.#virtual.measure()
    this.#later()
  }

  #scrolled(): void {
    const left = this.#box.scrollHeight - this.#box.clientHeight - this.#box.scrollTop
    const up = this.#box.scrollTop < this.#top
    this.#top = this.#box.scrollTop
    if (left <= nearEnd && performance.now() > this.#upUntil) this.#follow = true
    // A box that became smaller is further from its end without anybody having moved.
    else if (up) this.#follow = false
  }

  #later(): void {
    this.#frame ||= requestAnimationFrame(() => this.#render())
  }

  #render(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    const virtual = this.#virtual
    // The list finds the reader's place by comparing before and after, so it must know the rows as they were.
    virtual.getTotalSize()
    for (const row of this.#rows.push(this.#incoming)) {
      this.#wished.delete(row.id)
      virtual.itemSizeCache.delete(row.id)
    }
    this.#incoming = []
    virtual.setOptions({ ...virtual.options, count: this.#rows.length })
    this.#sizer.style.height = `${virtual.getTotalSize()}px`
    if (this.#follow) {
      // Told at once where it is now, the list draws the rows of the end in this very frame.
      this.#box.scrollTop = this.#box.scrollHeight
      this.#top = this.#box.scrollTop
      virtual.scrollOffset = this.#top
    }
    const items = virtual.getVirtualItems()
    this.#window.style.transform = `translateY(${items[0]?.start ?? 0}px)`
    const elements: Array<HTMLElement> = []
    const seen = new Set<number>()
    for (const { index } of items) {
      const row = this.#rows.at(index)
      if (row === undefined) continue
      let drawn = this.#drawn.get(row.id)
      if (drawn === undefined) {
        drawn = this.#draw(row)
        this.#drawn.set(row.id, drawn)
      }
      drawn.dataset["index"] = String(index)
      seen.add(row.id)
      elements.push(drawn)
    }
    for (const id of this.#drawn.keys()) if (!seen.has(id)) this.#drawn.delete(id)
    this.#place(elements)
    virtual._willUpdate()
    // Without wrapping all lines are of one height, which need not be measured.
    for (const drawn of elements) {
      if (this.#wrap || drawn.classList.contains("note")) virtual.measureElement(drawn)
    }
    this.onRender()
  }

  /** Puts the elements into the document in this order, and touches none that stands right already: a selection stays. */
  #place(elements: ReadonlyArray<HTMLElement>): void {
    const keep = new Set<Node>(elements)
    for (const child of Array.from(this.#window.children)) if (!keep.has(child)) child.remove()
    let next = this.#window.firstElementChild
    for (const each of elements) {
      if (each === next) next = next.nextElementSibling
      else this.#window.insertBefore(each, next)
    }
  }

  #draw(row: Row): HTMLElement {
    return row.kind === "line" ? this.#drawLine(row) : this.#drawNote(row)
  }

  #drawNote(row: NoteRow): HTMLElement {
    const note = element("div", `note ${row.tone}`, element("span", "note-text", row.text))
    note.title = row.time
    return note
  }

  #drawLine(row: LineRow): HTMLElement {
    const time = element("time", "time", clock(row.time))
    time.dateTime = row.time
    time.title = row.time
    const text = element("span", "text")
    const line = element("div", `line ${row.stream}`, time, element("span", "stream"), text)
    this.#fill(text, row)
    return line
  }

  #fill(text: HTMLElement, row: LineRow): void {
    const length = this.#wished.get(row.id) ?? firstPart
    text.replaceChildren()
    let at = 0
    const all = pieces(row.text.length > length ? row.text.slice(0, length) : row.text)
    const marks = occurrences(all.map((piece) => piece.text).join(""), this.#rows.filter)
    for (const piece of all) {
      this.#write(text, piece, at, marks)
      at += piece.text.length
    }
    if (row.text.length <= length) return
    const more = element("button", "more", `… ${(row.text.length - length).toLocaleString("en")} more characters`)
    more.type = "button"
    more.addEventListener("click", () => {
      this.#wished.set(row.id, length + nextPart)
      this.#fill(text, row)
    })
    text.append(more)
  }

  /** Writes a piece that begins at `at` of its line, with what the filter found in it marked. */
  #write(text: HTMLElement, piece: Piece, at: number, marks: ReadonlyArray<readonly [number, number]>): void {
    const parts: Array<Node | string> = []
    let from = 0
    for (const [start, end] of marks) {
      if (end <= at || start >= at + piece.text.length) continue
      const first = Math.max(0, start - at)
      const last = Math.min(piece.text.length, end - at)
      if (first > from) parts.push(piece.text.slice(from, first))
      parts.push(element("mark", "", piece.text.slice(first, last)))
      from = last
    }
    if (from < piece.text.length) parts.push(piece.text.slice(from))
    if (piece.colour === undefined && piece.behind === undefined && piece.decorations.length === 0) {
      text.append(...parts)
      return
    }
    const span = element("span", piece.decorations.join(" "), ...parts)
    const reverse = piece.decorations.includes("reverse")
    const front = reverse ? (piece.behind ?? this.#ground) : piece.colour
    const behind = reverse ? (piece.colour ?? this.#ink) : piece.behind
    // By the style's own interface, which the page's policy allows where it forbids style attributes.
    if (behind !== undefined) span.style.backgroundColor = formatColour(behind)
    if (front !== undefined || behind !== undefined) {
      span.style.color = formatColour(readable(front ?? this.#ink, behind ?? this.#ground))
    }
    text.append(span)
  }
}
