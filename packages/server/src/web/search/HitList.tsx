import { useSignal } from "@preact/signals"
import type { KeptHit, KeptItem } from "../../Api/json/ApiTypes.js"
import { keptNoteText } from "../log/keptNotes.js"
import { plainText } from "../log/LogText.js"
import { useModel } from "../model/PageModel.js"
import { routeTo } from "../Route.js"
import { highlight } from "./highlight.js"
import type { Search } from "./Search.js"

/** `2026-01-31 12:00:00.123`, in UTC, as the link to the line has it. */
const timeText = (timestamp: string): string => `${timestamp.slice(0, 10)} ${timestamp.slice(11, 23)}`

/** What people call a source, without the engine. */
const sourceText = (source: string): string => source.slice(source.indexOf("/") + 1)

const Line = ({ item, query }: { readonly item: KeptItem; readonly query: string }) => {
  if (item._tag !== "StoredLine") return <li class="found-note">{keptNoteText(item)}</li>
  return (
    <li class="found-line" data-level={item.level} data-hit={query !== "" || undefined}>
      <time dateTime={item.timestamp}>{timeText(item.timestamp)}</time>
      <span class="found-text">
        {highlight(plainText(item.text), query).map(({ isHit, text }, index) =>
          isHit ? <mark key={index}>{text}</mark> : text
        )}
      </span>
    </li>
  )
}

const HitRow = ({ hit, search }: { readonly hit: KeptHit; readonly search: Search }) => {
  const { line } = hit
  const context = useSignal<ReadonlyArray<KeptItem> | string | undefined>(undefined)
  const isLoading = useSignal(false)
  const query = search.query.value
  const toggle = async (): Promise<void> => {
    if (context.value !== undefined) context.value = undefined
    else {
      isLoading.value = true
      context.value = await search.context(line.link)
      isLoading.value = false
    }
  }
  const isOpen = context.value !== undefined
  const name = sourceText(line.source)
  const container = useModel().containers.list.value?.find(({ id }) => id === line.containerId)
  return (
    <li class="hit">
      <p class="hit-source">
        {container === undefined ? (
          <span title="The container was removed">{name}</span>
        ) : (
          <a href={routeTo(container.name)} title={container.name}>
            {name}
          </a>
        )}
        {line.stream === "stderr" && <span class="hit-stream">stderr</span>}
        {line.level !== "unknown" && <span data-level={line.level}>{line.level}</span>}
        <button type="button" aria-expanded={isOpen} disabled={isLoading.value} onClick={() => void toggle()}>
          {isOpen ? "Hide what is around" : "Show what is around"}
        </button>
      </p>
      {typeof context.value === "string" && (
        <p class="form-problem" role="alert">
          {context.value}
        </p>
      )}
      <ul class="found-lines">
        {typeof context.value === "object" ? (
          context.value.map((item, index) => (
            <Line key={index} item={item} query={item._tag === "StoredLine" && item.link === line.link ? query : ""} />
          ))
        ) : (
          <Line item={line} query={query} />
        )}
      </ul>
    </li>
  )
}

/** The lines that a search has found, the newest first. */
export const HitList = ({ search }: { readonly search: Search }) => (
  <ul id="hits" class="view-list" aria-label="Lines that were found">
    {search.hits.value.map((hit) => (
      <HitRow key={hit.line.link} hit={hit} search={search} />
    ))}
  </ul>
)
