import { useLayoutEffect, useRef } from "preact/hooks"
import { isAlive } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"
import { countLines } from "./logNotes.js"
import type { LogFigures } from "./LogController.js"

const countText = ({ dropped, lines, matches }: LogFigures, filter: string): string => {
  const shown = filter === "" ? countLines(lines) : `${matches.toLocaleString("en")} of ${countLines(lines)}`
  return dropped > 0 ? `${shown}, oldest ${dropped.toLocaleString("en")} discarded` : shown
}

const pauseText = (waiting: number | undefined): string => {
  if (waiting === undefined) return "Pause"
  return waiting === 0 ? "Resume" : `Resume (${waiting.toLocaleString("en")} waiting)`
}

const Toolbar = () => {
  const { log } = useModel()
  const { waiting } = log.figures.value
  return (
    <div id="tools" role="group" aria-label="Log tools">
      <input
        id="filter"
        type="search"
        placeholder="Filter lines"
        aria-label="Filter lines"
        aria-keyshortcuts="/"
        aria-describedby="count"
        autocomplete="off"
        spellcheck={false}
        value={log.filter.value}
        onInput={(event) => log.setFilter(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return
          log.setFilter("")
          log.box.focus()
        }}
      />
      <span id="count">{countText(log.figures.value, log.filter.value)}</span>
      <button type="button" id="times" aria-pressed={log.times.value} onClick={() => log.toggle("times")}>
        Timestamps
      </button>
      <button type="button" id="wrap" aria-pressed={log.wrap.value} onClick={() => log.toggle("wrap")}>
        Wrap
      </button>
      <button
        type="button"
        id="pause"
        aria-pressed={waiting !== undefined}
        aria-keyshortcuts="Space"
        onClick={() => log.togglePause()}
      >
        {pauseText(waiting)}
      </button>
    </div>
  )
}

/** Why there are no lines, and what to do about it. */
const EmptyLog = () => {
  const { actions, connection, log, selection, session } = useModel()
  const { lines, rows } = log.figures.value
  if (rows > 0) return null
  if (log.filter.value !== "" && lines > 0) {
    return (
      <p id="log-empty">
        No lines match the filter.{" "}
        <button type="button" onClick={() => log.setFilter("")}>
          Clear the filter
        </button>
      </p>
    )
  }
  const container = selection.container.value
  if (log.isLoaded.value && container?.state === "created") {
    return (
      <p id="log-empty">
        It was never started.{" "}
        {session.may("operate") && (
          <button type="button" onClick={() => void actions.run("start", container)}>
            Start it
          </button>
        )}
      </p>
    )
  }
  if (log.isLoaded.value && container !== undefined && !isAlive(container.state)) {
    return <p id="log-empty">It has written nothing. {container.status}.</p>
  }
  if (log.isLoaded.value) {
    const since = /^Up (.*?)( \(|$)/.exec(container?.status ?? "")?.[1]
    return (
      <p id="log-empty">
        No log output yet{since === undefined ? "" : `: running, silent for ${since.toLowerCase()}`}. New lines appear
        here as they are written.
      </p>
    )
  }
  return (
    <p id="log-empty">
      {connection.connected.value ? "Loading log…" : "The log appears here as soon as there is a connection."}
    </p>
  )
}

/** The log of the selected container, with its toolbar. */
export const LogPane = () => {
  const { log } = useModel()
  const frame = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    frame.current?.prepend(log.box)
    log.restyle()
  }, [log])
  const { following, unseen } = log.figures.value
  return (
    <>
      <Toolbar />
      <div id="log-frame" ref={frame}>
        <EmptyLog />
        <button type="button" id="jump" hidden={following} onClick={() => log.scrollToEnd()}>
          {unseen > 0 ? `Jump to latest (${unseen.toLocaleString("en")} new)` : "Jump to latest"}
        </button>
      </div>
    </>
  )
}
