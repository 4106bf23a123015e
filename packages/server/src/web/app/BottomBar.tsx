import { countLines } from "../log/logNotes.js"
import { helpOpen } from "../keys/keys.js"
import { chooseClock, clock, clocks } from "../model/Clock.js"
import type { Status } from "../model/Connection.js"
import { useModel } from "../model/PageModel.js"
import { themes } from "../model/Theme.js"

const countdownText = (seconds: number): string => (seconds > 0 ? `in ${seconds} s` : "…")

/** How something is, as a dot and in words. */
export const StatusText = ({
  id,
  status,
  title
}: {
  readonly id: string
  readonly status: Status
  readonly title?: string
}) => (
  <span id={id} class="tone" data-tone={status.tone} role="status" title={title}>
    {status.text}
  </span>
)

const EngineStatus = () => {
  const { connected, engine } = useModel().connection
  const status = engine.value
  if (status === undefined || !connected.value) return null
  const { available, demo, endpoint, version = "" } = status
  const text = !available
    ? "Docker is unavailable"
    : demo === undefined
      ? `Docker ${version}`.trim()
      : "Demo, no Docker"
  const tone = !available ? "bad" : demo === undefined ? "good" : "busy"
  return <StatusText id="engine" status={{ tone, text }} title={endpoint} />
}

/** How much of the log that is shown is known to be missing. */
const Lost = () => {
  const { log, route } = useModel()
  if (route.value.view !== "container") return null
  const { lines, more } = log.lost.value
  return (
    <span id="lost" data-tone={lines > 0 || more ? "bad" : undefined} title="Lines that are known to be missing">
      {`${lines.toLocaleString("en")}${more ? " or more" : ""} lost`}
    </span>
  )
}

/** How much of the log there is. */
const Lines = () => {
  const { log, route } = useModel()
  return route.value.view === "container" ? <span id="lines">{countLines(log.figures.value.lines)}</span> : null
}

/** What is connected, what was lost, and how far behind the page is. */
export const BottomBar = () => {
  const { connection, session, theme } = useModel()
  const seconds = connection.countdown.value
  const delay = connection.roundTrip.value
  return (
    <footer>
      <span id="live">
        <StatusText id="connection" status={connection.status.value} />
        {seconds !== undefined && (
          <span id="countdown" aria-hidden="true">
            {countdownText(seconds)}
          </span>
        )}
        <Lost />
        {delay !== undefined && (
          <span id="delay" title="The way to the server and back">
            {delay} ms
          </span>
        )}
        <Lines />
      </span>
      <EngineStatus />
      {session.info.value !== undefined && !session.may("operate") && <span id="read-only">Read-only</span>}
      <button
        type="button"
        id="keys"
        aria-keyshortcuts="?"
        onClick={() => {
          helpOpen.value = true
        }}
      >
        <kbd>?</kbd> Keys
      </button>
      <select
        id="clock"
        aria-label="Times"
        value={clock.value}
        onChange={(event) => chooseClock(event.currentTarget.value)}
      >
        {Object.entries(clocks).map(([name, label]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <select
        id="theme"
        aria-label="Colors"
        value={theme.name.value}
        onChange={(event) => theme.choose(event.currentTarget.value)}
      >
        {Object.entries(themes).map(([name, label]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </footer>
  )
}
