import { useComputed, useSignal } from "@preact/signals"
import { useLayoutEffect } from "preact/hooks"
import { useModel } from "../model/PageModel.js"
import { loadSetting } from "../model/settings.js"
import { ContainerMenu, type OpenMenu } from "./ContainerMenu.js"
import { RailLinks } from "./RailLinks.js"
import { type RailRow, railRows } from "./railRows.js"
import { RailTools } from "./RailTools.js"
import { RowLine } from "./RowLine.js"
import { useRowWindow } from "./useRowWindow.js"

const keyOf = (row: RailRow): string => (row.kind === "group" ? `group ${row.key}` : row.container.id)

const NoMatch = ({ filter, onClear }: { readonly filter: string; readonly onClear: () => void }) => (
  <p class="rail-empty">
    No container matches “{filter}”.{" "}
    <button type="button" onClick={onClear}>
      Clear the filter
    </button>
  </p>
)

/** The containers by project and service, and the way to the other views. Only the rows in sight are in the document. */
export const Rail = () => {
  const { containers, railNames, route, selection } = useModel()
  const filter = useSignal("")
  const hideStopped = useSignal(loadSetting("hideStopped") === "on")
  const folded = useSignal<ReadonlySet<string>>(new Set())
  const menu = useSignal<OpenMenu | undefined>(undefined)

  const selectedId = selection.selected.value?.id
  const rows = useComputed(() =>
    railRows(containers.list.value ?? [], {
      filter: filter.value,
      hideStopped: hideStopped.value,
      folded: folded.value,
      selected: selection.selected.value?.id
    })
  ).value
  useLayoutEffect(() => {
    railNames.value = rows.flatMap((row) => (row.kind === "container" ? [row.container.name] : []))
  }, [rows])
  const { first, focus, height, last, list, onKeyDown, onScroll, placeOf, reveal } = useRowWindow(rows.length)
  useLayoutEffect(() => {
    const index = rows.findIndex((row) => row.kind === "container" && row.container.id === selectedId)
    if (index >= 0) reveal(index)
  }, [selectedId])

  const fold = (key: string): void => {
    const next = new Set(folded.value)
    if (!next.delete(key)) next.add(key)
    folded.value = next
  }
  return (
    <nav id="side" aria-label="Containers">
      <RailLinks />
      <RailTools filter={filter} hideStopped={hideStopped} onLeave={() => focus(0)} />
      <div id="containers" ref={list} role="list" onScroll={onScroll} onKeyDown={onKeyDown}>
        <div style={{ height: `${height}px` }}>
          {rows.slice(first, last).map((row, index) => (
            <div
              key={keyOf(row)}
              class="row"
              role="listitem"
              aria-setsize={rows.length}
              aria-posinset={first + index + 1}
              data-index={first + index}
              style={{ transform: `translateY(${placeOf(first + index)}px)` }}
            >
              <RowLine
                row={row}
                selected={
                  row.kind === "container" && row.container.id === selectedId && route.value.view === "container"
                }
                onFold={fold}
                onMenu={(opened) => {
                  menu.value = opened
                }}
              />
            </div>
          ))}
        </div>
        {rows.length === 0 && filter.value !== "" && (
          <NoMatch
            filter={filter.value}
            onClear={() => {
              filter.value = ""
            }}
          />
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
