import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core"
import type { Color } from "./Color.js"
import { formatColor, parseColor, readable } from "./Color.js"
import { clock, formatTime } from "../model/Clock.js"
import { element } from "../element.js"
import type { TextRun } from "./LogText.js"
import { parseRuns } from "./LogText.js"
import type { LineRow, NoteRow, Row } from "./Rows.js"
import { occurrences, Rows } from "./Rows.js"

/** How many characters of a long line are shown at first, and how many more each click adds. */
const initialLength = 4096
const lengthStep = 65_536

/** Within this distance of the end, in pixels, the view follows new rows. */
const followDistance = 24

/** How long following stays off after the reader starts to scroll up, in milliseconds. */
const scrollUpGrace = 300

/** How many rows may wait for the next frame. */
const pendingLimit = 5000

const upKeys: ReadonlySet<string> = new Set(["ArrowUp", "PageUp", "Home"])

const limits = { rows: 50_000, characters: 64_000_000 }

/** While the reader looks at what came before, it must not go. */
const readingLimits = { rows: 200_000, characters: 128_000_000 }

/** This close to the start, in pixels, older rows are asked for. */
const startDistance = 1_500

/** Shows rows in a scrolling box. Only the visible rows are in the document. */
export class LogView {
  /** Called after each render. */
  onRender: () => void = () => {}
  /** Called when the reader comes close to the first row. */
  onStart: () => void = () => {}
  readonly #box: HTMLElement
  readonly #sizer = element("div", "log-sizer")
  readonly #window = element("div", "log-window")
  readonly #virtual: Virtualizer<HTMLElement, HTMLElement>
  readonly #elements = new Map<number, HTMLElement>()
  /** The shown length of lines that were expanded beyond `initialLength`, by row id. */
  readonly #expanded = new Map<number, number>()
  #rows = new Rows(limits)
  /** Rows that wait for the next frame. */
  #pending: Array<Row> = []
  /** Whether to stay at the end as rows are added. */
  #follow = true
  /** Until then the reader is scrolling up, even if the view is still near the end. */
  #scrollingUpUntil = 0
  #wrap = false
  #lineHeight = 20
  #frame = 0
  /** The last scroll position of the box. */
  #scrollTop = 0
  #background: Color = [255, 255, 255]
  #foreground: Color = [0, 0, 0]

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
      onChange: (_, sync) => (sync ? this.#render() : this.#scheduleRender())
    })
    this.#virtual._didMount()
    const scrollingUp = (): void => {
      this.#scrollingUpUntil = performance.now() + scrollUpGrace
      this.#follow = false
    }
    const passive = { passive: true }
    box.addEventListener("wheel", (event) => (event.deltaY < 0 ? scrollingUp() : undefined), passive)
    box.addEventListener("touchmove", scrollingUp, passive)
    box.addEventListener("keydown", (event) => (upKeys.has(event.key) ? scrollingUp() : undefined))
    box.addEventListener("scroll", () => this.#handleScroll(), passive)
    this.restyle()
    this.#render()
  }

  get rows(): Rows {
    return this.#rows
  }

  /** Whether the view is at the end and follows new rows. */
  get following(): boolean {
    return this.#follow
  }

  /** Removes all rows. */
  clear(): void {
    const filter = this.#rows.filter
    this.#rows = new Rows(limits)
    this.#rows.setFilter(filter)
    this.#pending = []
    this.#expanded.clear()
    this.#follow = true
    this.#virtual.measure()
    this.#render()
  }

  push(rows: ReadonlyArray<Row>): void {
    for (const row of rows) this.#pending.push(row)
    // A tab in the background gets no frames, so bound what accumulates.
    if (this.#pending.length > pendingLimit) this.#render()
    else this.#scheduleRender()
  }

  /** Puts older rows in front. What the reader sees does not move. */
  prepend(rows: ReadonlyArray<Row>): void {
    this.#render()
    this.#rows.prepend(rows)
    this.#render()
  }

  /** Shows only lines that contain this text, and highlights it. */
  setFilter(filter: string): void {
    this.#virtual.getTotalSize()
    this.#rows.setFilter(filter)
    this.#elements.clear()
    this.#render()
  }

  setWrap(wrap: boolean): void {
    this.#wrap = wrap
    this.#box.classList.toggle("wrap", wrap)
    this.#elements.clear()
    this.#virtual.measure()
    this.#render()
  }

  setTimes(times: boolean): void {
    this.#box.classList.toggle("times", times)
    if (this.#wrap) this.setWrap(true)
  }

  scrollToEnd(): void {
    this.#follow = true
    this.#scrollingUpUntil = 0
    this.#render()
  }

  /** Adapts to a changed color scheme or font size. */
  restyle(): void {
    const style = getComputedStyle(this.#box)
    this.#background = parseColor(style.backgroundColor)
    this.#foreground = parseColor(style.color)
    this.#lineHeight = Number.parseFloat(style.lineHeight) || 20
    this.#elements.clear()
    this.#virtual.measure()
    this.#scheduleRender()
  }

  #handleScroll(): void {
    const distance = this.#box.scrollHeight - this.#box.clientHeight - this.#box.scrollTop
    const isUp = this.#box.scrollTop < this.#scrollTop
    this.#scrollTop = this.#box.scrollTop
    if (distance <= followDistance && performance.now() > this.#scrollingUpUntil) this.#follow = true
    // Only upward scrolling turns following off: a box that shrinks also gets further from its end.
    else if (isUp) this.#follow = false
    if (!this.#follow && this.#box.scrollTop < startDistance) this.onStart()
  }

  #scheduleRender(): void {
    this.#frame ||= requestAnimationFrame(() => this.#render())
  }

  #render(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    const virtual = this.#virtual
    // The virtualizer keeps the reader's position by comparing before and after, so let it measure the old rows first.
    virtual.getTotalSize()
    this.#rows.setLimits(this.#follow ? limits : readingLimits)
    for (const row of this.#rows.push(this.#pending)) {
      this.#expanded.delete(row.id)
      virtual.itemSizeCache.delete(row.id)
    }
    this.#pending = []
    virtual.setOptions({ ...virtual.options, count: this.#rows.length })
    this.#sizer.style.height = `${virtual.getTotalSize()}px`
    if (this.#follow) {
      // Set the offset too, so that the virtualizer renders the last rows in this frame.
      this.#box.scrollTop = this.#box.scrollHeight
      this.#scrollTop = this.#box.scrollTop
      virtual.scrollOffset = this.#scrollTop
    }
    const items = virtual.getVirtualItems()
    this.#window.style.transform = `translateY(${items[0]?.start ?? 0}px)`
    const visible: Array<HTMLElement> = []
    const visibleIds = new Set<number>()
    for (const { index } of items) {
      const row = this.#rows.at(index)
      if (row === undefined) continue
      let rendered = this.#elements.get(row.id)
      if (rendered === undefined) {
        rendered = this.#renderRow(row)
        this.#elements.set(row.id, rendered)
      }
      rendered.dataset["index"] = String(index)
      visibleIds.add(row.id)
      visible.push(rendered)
    }
    for (const id of this.#elements.keys()) if (!visibleIds.has(id)) this.#elements.delete(id)
    this.#place(visible)
    virtual._willUpdate()
    // Without wrapping, all lines have the same height and need no measuring.
    for (const rendered of visible) {
      if (this.#wrap || rendered.classList.contains("note")) virtual.measureElement(rendered)
    }
    this.onRender()
  }

  /** Puts the elements into the document in this order. Those in place are not moved, so that a text selection survives. */
  #place(elements: ReadonlyArray<HTMLElement>): void {
    const keep = new Set<Node>(elements)
    for (const child of Array.from(this.#window.children)) if (!keep.has(child)) child.remove()
    let next = this.#window.firstElementChild
    for (const each of elements) {
      if (each === next) next = next.nextElementSibling
      else this.#window.insertBefore(each, next)
    }
  }

  #renderRow(row: Row): HTMLElement {
    return row.kind === "line" ? this.#renderLine(row) : this.#renderNote(row)
  }

  #renderNote(row: NoteRow): HTMLElement {
    const note = element("div", `note ${row.tone}`, element("span", "note-text", row.text))
    note.title = row.time
    return note
  }

  #renderLine(row: LineRow): HTMLElement {
    const time = element("time", "time", formatTime(row.time, clock.value))
    time.dateTime = row.time
    time.title = row.time
    const text = element("span", "text")
    const line = element("div", `line ${row.stream}`, time, element("span", "stream"), text)
    this.#fill(text, row)
    return line
  }

  #fill(target: HTMLElement, row: LineRow): void {
    const length = this.#expanded.get(row.id) ?? initialLength
    target.replaceChildren()
    let offset = 0
    const runs = parseRuns(row.text.length > length ? row.text.slice(0, length) : row.text)
    const matches = occurrences(runs.map((run) => run.text).join(""), this.#rows.filter)
    for (const run of runs) {
      this.#appendRun(target, run, offset, matches)
      offset += run.text.length
    }
    if (row.text.length <= length) return
    const more = element("button", "more", `… ${(row.text.length - length).toLocaleString("en")} more characters`)
    more.type = "button"
    more.addEventListener("click", () => {
      this.#expanded.set(row.id, length + lengthStep)
      this.#fill(target, row)
    })
    target.append(more)
  }

  /** Appends a run that starts at `offset` of its line, with the matches of the filter highlighted. */
  #appendRun(
    target: HTMLElement,
    run: TextRun,
    offset: number,
    matches: ReadonlyArray<readonly [number, number]>
  ): void {
    const parts: Array<Node | string> = []
    let from = 0
    for (const [start, end] of matches) {
      if (end <= offset || start >= offset + run.text.length) continue
      const first = Math.max(0, start - offset)
      const last = Math.min(run.text.length, end - offset)
      if (first > from) parts.push(run.text.slice(from, first))
      parts.push(element("mark", "", run.text.slice(first, last)))
      from = last
    }
    if (from < run.text.length) parts.push(run.text.slice(from))
    if (run.color === undefined && run.background === undefined && run.decorations.length === 0) {
      target.append(...parts)
      return
    }
    const span = element("span", run.decorations.join(" "), ...parts)
    const isReverse = run.decorations.includes("reverse")
    const foreground = isReverse ? (run.background ?? this.#background) : run.color
    const background = isReverse ? (run.color ?? this.#foreground) : run.background
    // Set through the DOM: the content security policy forbids style attributes, but not this.
    if (background !== undefined) span.style.backgroundColor = formatColor(background)
    if (foreground !== undefined || background !== undefined) {
      span.style.color = formatColor(readable(foreground ?? this.#foreground, background ?? this.#background))
    }
    target.append(span)
  }
}
