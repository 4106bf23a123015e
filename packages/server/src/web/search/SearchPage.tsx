import { BackLink } from "../app/BackLink.js"
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { useModel } from "../model/PageModel.js"
import { routeToSearch } from "../Route.js"
import { FoundNames } from "./FoundNames.js"
import { HitList } from "./HitList.js"
import { Search } from "./Search.js"

let known: Search | undefined

const lineCount = (count: number): string => (count === 1 ? "1 line" : `${count.toLocaleString("en")} lines`)

const percent = (scanned: number, total: number): string =>
  total === 0 ? "100 %" : `${Math.floor((100 * scanned) / total)} %`

/** What the search is doing, in words. */
const stateText = (search: Search): string => {
  const state = search.state.value
  const progress = search.progress.value
  const found = lineCount(search.hits.value.length)
  const unreadable =
    progress === undefined || progress.unreadable === 0
      ? ""
      : ` ${progress.unreadable.toLocaleString("en")} elements could not be read.`
  switch (state.kind) {
    case "idle":
      return ""
    case "waiting":
      return state.ahead === 1 ? "Another search comes first" : `${state.ahead} other searches come first`
    case "running": {
      if (progress === undefined) return "Searching…"
      const to =
        progress.scannedTo === undefined ? "" : `, back to ${progress.scannedTo.slice(0, 19).replace("T", " ")}`
      return `${found} so far, ${percent(progress.scannedBytes, progress.totalBytes)} searched${to}`
    }
    case "cancelled":
      return `Cancelled. ${found} so far.${unreadable}`
    case "failed":
      return ""
    case "done":
      return progress?.done === "limit"
        ? `The newest ${found}.${unreadable}`
        : `${found === "0 lines" ? "No line" : found} in all that is kept.${unreadable}`
  }
}

const Problem = ({ search }: { readonly search: Search }) => {
  const state = search.state.value
  if (state.kind !== "failed") return null
  return (
    <p id="search-problem" class="form-problem" role="alert">
      {state.message}
    </p>
  )
}

/** Searches everything: the names of containers at once, and all logs that are kept on the server. */
export const SearchPage = ({ query }: { readonly query: string }) => {
  const { api } = useModel()
  const search = (known ??= new Search(api))
  const typed = useSignal(query)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    input.current?.focus()
    input.current?.select()
  }, [])
  useEffect(() => {
    typed.value = query
    // What was found for it before is still there.
    if (search.query.value !== query) search.start(query)
  }, [query])
  const submit = (): void => {
    const wanted = typed.value.trim()
    if (wanted === query) search.start(wanted)
    else location.hash = routeToSearch(wanted)
  }
  const { kind } = search.state.value
  const isRunning = kind === "running" || kind === "waiting"
  return (
    <section class="view" aria-labelledby="search-title">
      <header>
        <BackLink href="#/" to="All containers" />
        <h1 id="search-title">Search</h1>
        <form
          id="search-form"
          role="search"
          onSubmit={(event) => {
            event.preventDefault()
            submit()
          }}
        >
          <input
            ref={input}
            id="search-input"
            type="search"
            aria-label="Search containers and all kept logs"
            aria-describedby="search-problem search-help"
            placeholder="connection refused -debug level:error status>=500 /time ?out/i"
            autocomplete="off"
            spellcheck={false}
            value={typed.value}
            onInput={(event) => {
              typed.value = event.currentTarget.value
            }}
          />
          <button type="submit" disabled={typed.value.trim() === ""}>
            Search logs
          </button>
        </form>
        <Problem search={search} />
        <FoundNames text={typed.value} />
        <p id="search-state" role="status">
          {stateText(search)}
          {isRunning && (
            <button type="button" onClick={() => search.cancel()}>
              Cancel
            </button>
          )}
        </p>
      </header>
      {kind === "idle" && (
        <p id="search-help" class="empty">
          Searches the logs of all containers, also of those that were removed, as far as the server has kept them. A
          text, <code>"an exact text"</code>, <code>/an expression/i</code>, <code>-excluded</code>,{" "}
          <code>level:warn,error</code>, <code>status&gt;=500</code>, <code>source:shop/*</code>, <code>from:2h</code>.
        </p>
      )}
      <HitList search={search} />
      {!isRunning && search.progress.value?.cursor !== undefined && (
        <p class="search-more">
          <button type="button" onClick={() => search.more()}>
            Find older lines
          </button>
        </p>
      )}
    </section>
  )
}
