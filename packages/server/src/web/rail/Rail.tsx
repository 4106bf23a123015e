import { useComputed, useSignal } from "@preact/signals"
import { useLayoutEffect, useRef } from "preact/hooks"
import { useModel } from "../model/PageModel.js"
import { loadSetting, saveSetting } from "../model/settings.js"
import { ContainerMenu, type OpenMenu } from "./ContainerMenu.js"
import { RailLinks } from "./RailLinks.js"
import { type RailRow, railRows } from "./railRows.js"
import { RowLine } from "./RowLine.js"

/** The height of a row, in pixels: fingers need more of it. And how many rows to render beyond those in sight. */
const rowHeight = matchMedia("(pointer: coarse)").matches ? 44 : 32
const overscan = 12

const keyOf = (row: RailRow): string => (row.kind === "group" ? `group ${row.key}` : row.container.id)

/** The containers by project and service, and the way to the other views. Only the rows in sight are in the document. */
export const Rail = () => {
  const { containers, selection } = useModel()
  const list = useRef<HTMLDivElement>(null)
  const filter = useSignal("")
  const hideStopped = useSignal(loadSetting("hideStopped") === "on")
  const folded = useSignal<ReadonlySet<string>>(new Set())
  const range = useSignal({ top: 0, height: 1200 })
  const menu = useSignal<OpenMenu | undefined>(undefined)
  /** The row that gets the focus as soon as it is rendered. */
  const focusNext = useRef<number | undefined>(undefined)

  const selectedId = selection.selected.value?.id
  const rows = useComputed(() =>
    railRows(containers.list.value ?? [], {
      filter: filter.value,
      hideStopped: hideStopped.value,
      folded: folded.value,
      selected: selection.selected.value?.id
    })
  ).value

  const measure = (): void => {
    const { current } = list
    if (current !== null) range.value = { top: current.scrollTop, height: current.clientHeight }
  }
  const scrollTo = (index: number): void => {
    const { current } = list
    if (current === null) return
    const top = index * rowHeight
    if (top < current.scrollTop) current.scrollTop = top
    else if (top + rowHeight > current.scrollTop + current.clientHeight)
      current.scrollTop = top + rowHeight - current.clientHeight
    measure()
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
    const index = rows.findIndex((row) => row.kind === "container" && row.container.id === selectedId)
    if (index >= 0) scrollTo(index)
  }, [selectedId])
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
    const index = Math.max(0, Math.min(rows.length - 1, from + step))
    focusNext.current = index
    scrollTo(index)
    // Also where nothing has to be scrolled.
    range.value = { ...range.value }
  }
  const fold = (key: string): void => {
    const next = new Set(folded.value)
    if (!next.delete(key)) next.add(key)
    folded.value = next
  }
  const first = Math.max(0, Math.floor(range.value.top / rowHeight) - overscan)
  const last = Math.min(rows.length, Math.ceil((range.value.top + range.value.height) / rowHeight) + overscan)

  return (
    <nav id="side" aria-label="Containers">
      <RailLinks />
      <div id="rail-tools">
        <input
          id="rail-filter"
          type="search"
          placeholder="Filter containers"
          aria-label="Filter containers"
          autocomplete="off"
          spellcheck={false}
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") filter.value = ""
            else if (event.key !== "ArrowDown") return
            else {
              event.preventDefault()
              focusNext.current = 0
              scrollTo(0)
              range.value = { ...range.value }
            }
          }}
        />
        <button
          type="button"
          aria-pressed={hideStopped.value}
          title="Hide the containers that are not running"
          onClick={() => {
            hideStopped.value = !hideStopped.value
            saveSetting("hideStopped", hideStopped.value ? "on" : "off")
          }}
        >
          Running
        </button>
      </div>
      <div id="containers" ref={list} role="list" onScroll={measure} onKeyDown={onKeyDown}>
        <div style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(first, last).map((row, index) => (
            <div
              key={keyOf(row)}
              class="row"
              role="listitem"
              aria-setsize={rows.length}
              aria-posinset={first + index + 1}
              data-index={first + index}
              style={{ transform: `translateY(${(first + index) * rowHeight}px)` }}
            >
              <RowLine
                row={row}
                selected={row.kind === "container" && row.container.id === selectedId}
                onFold={fold}
                onMenu={(opened) => {
                  menu.value = opened
                }}
              />
            </div>
          ))}
        </div>
        {rows.length === 0 && filter.value !== "" && (
          <p class="rail-empty">
            No container matches “{filter.value}”.{" "}
            <button
              type="button"
              onClick={() => {
                filter.value = ""
              }}
            >
              Clear the filter
            </button>
          </p>
        )}
      </div>
      {menu.value !== undefined && (
        <ContainerMenu
          menu={menu.value}
          onClose={() => {
            menu.value = undefined
          }}
        />
      )}
    </nav>
  )
}
