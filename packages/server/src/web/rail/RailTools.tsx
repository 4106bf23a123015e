import type { Signal } from "@preact/signals"
import { saveSetting } from "../model/settings.js"

interface RailToolsProps {
  readonly filter: Signal<string>
  readonly hideStopped: Signal<boolean>
  /** Goes on to the first row. */
  readonly onLeave: () => void
}

/** What of the containers to show. */
export const RailTools = ({ filter, hideStopped, onLeave }: RailToolsProps) => (
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
        if (event.key !== "ArrowDown") return
        event.preventDefault()
        onLeave()
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
)
