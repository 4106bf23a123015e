import { useSignal } from "@preact/signals"
import type { RefObject } from "preact"
import { useLayoutEffect, useRef } from "preact/hooks"

/** The height of a row, in pixels: fingers need more of it. And how many rows to render beyond those in sight. */
const rowHeight = matchMedia("(pointer: coarse)").matches ? 44 : 32
const overscan = 12

/** The part of a list that is rendered. */
export interface RowWindow {
  readonly list: RefObject<HTMLDivElement | null>
  /** The height of all rows, and the place of one of them, in pixels. */
  readonly height: number
  readonly placeOf: (index: number) => number
  /** The rows from the first to before the last are rendered. */
  readonly first: number
  readonly last: number
  readonly onScroll: () => void
  readonly onKeyDown: (event: KeyboardEvent) => void
  /** Scrolls as little as it takes to have a row in sight. */
  readonly reveal: (index: number) => void
  /** Reveals a row, and gives it the focus as soon as it is rendered. */
  readonly focus: (index: number) => void
}

/** A list of so many rows of one height. Arrow keys, Home and End move through it. */
export const useRowWindow = (count: number): RowWindow => {
  const list = useRef<HTMLDivElement>(null)
  const range = useSignal({ top: 0, height: 1200 })
  const focusNext = useRef<number | undefined>(undefined)

  const measure = (): void => {
    const { current } = list
    if (current !== null) range.value = { top: current.scrollTop, height: current.clientHeight }
  }
  const reveal = (index: number): void => {
    const { current } = list
    if (current === null) return
    const top = index * rowHeight
    if (top < current.scrollTop) current.scrollTop = top
    else if (top + rowHeight > current.scrollTop + current.clientHeight)
      current.scrollTop = top + rowHeight - current.clientHeight
    // Also where nothing had to be scrolled: the row is rendered again, and gets its focus.
    measure()
  }
  const focus = (index: number): void => {
    focusNext.current = index
    reveal(index)
  }
  useLayoutEffect(() => {
    const { current } = list
    if (current === null) return
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    measure()
    return () => observer.disconnect()
  }, [])
  useLayoutEffect(() => {
    const index = focusNext.current
    if (index === undefined) return
    focusNext.current = undefined
    list.current?.querySelector<HTMLElement>(`[data-index="${index}"] :is(a, .group)`)?.focus()
  })
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }
    const step = steps[event.key]
    if (step === undefined || !(event.target instanceof HTMLElement)) return
    event.preventDefault()
    const from = Number(event.target.closest("[data-index]")?.getAttribute("data-index") ?? -1)
    focus(Math.max(0, Math.min(count - 1, from + step)))
  }
  const { height, top } = range.value
  return {
    list,
    height: count * rowHeight,
    placeOf: (index) => index * rowHeight,
    first: Math.max(0, Math.floor(top / rowHeight) - overscan),
    last: Math.min(count, Math.ceil((top + height) / rowHeight) + overscan),
    onScroll: measure,
    onKeyDown,
    reveal,
    focus
  }
}
