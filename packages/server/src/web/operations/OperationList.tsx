import { BackLink } from "../app/BackLink.js"
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { OperationSummary } from "../../Api/json/ApiTypes.js"
import { useModel } from "../model/PageModel.js"
import { type OperationQuery, routeToOperation, routeToOperations } from "../Route.js"
import { listInterval, operationStatuses } from "./Operations.js"
import { ageText, hasEnded, kindText, spanText, targetText } from "./operationWords.js"
import { OperationStatus } from "./OperationStatus.js"

/** The kinds that the filter offers, beside those that are in the list. */
const commonKinds = ["pull_image", "build_image", "run_compose"]

const PullForm = () => {
  const { operations } = useModel()
  const image = useSignal("")
  return (
    <form
      id="pull"
      onSubmit={(event) => {
        event.preventDefault()
        if (image.value.trim() !== "") void operations.pull(image.value.trim())
      }}
    >
      <input
        aria-label="Image to pull"
        placeholder="Image, such as nginx:1.27"
        autocomplete="off"
        spellcheck={false}
        value={image.value}
        onInput={(event) => {
          image.value = event.currentTarget.value
        }}
      />
      <button type="submit" disabled={operations.starting.value || image.value.trim() === ""}>
        Pull image
      </button>
    </form>
  )
}

const Filters = ({ filter }: { readonly filter: OperationQuery }) => {
  const { operations } = useModel()
  const kinds = new Set([...commonKinds, ...(operations.list.value ?? []).map((each) => each.operation_type)])
  if (filter.kind !== undefined) kinds.add(filter.kind)
  const change = (part: OperationQuery): void => {
    history.replaceState(null, "", routeToOperations({ ...filter, ...part }))
    dispatchEvent(new HashChangeEvent("hashchange"))
  }
  return (
    <div id="operation-filters" role="group" aria-label="Filters">
      <input
        type="search"
        aria-label="Filter operations"
        placeholder="Filter by image, stack, error"
        autocomplete="off"
        spellcheck={false}
        value={filter.text ?? ""}
        onInput={(event) => change({ text: event.currentTarget.value })}
      />
      <select
        aria-label="Kind"
        value={filter.kind ?? ""}
        onChange={(event) => change({ kind: event.currentTarget.value })}
      >
        <option value="">All kinds</option>
        {Array.from(kinds, (kind) => (
          <option key={kind} value={kind}>
            {kindText(kind)}
          </option>
        ))}
      </select>
      <select
        aria-label="Result"
        value={filter.status ?? ""}
        onChange={(event) => change({ status: event.currentTarget.value })}
      >
        <option value="">All results</option>
        {operationStatuses.map((status) => (
          <option key={status} value={status}>
            {kindText(status)}
          </option>
        ))}
      </select>
    </div>
  )
}

const Row = ({ now, operation }: { readonly operation: OperationSummary; readonly now: number }) => {
  const { ended_at, error, log_id, operation_type, started_at, started_by, status } = operation
  const end = ended_at === undefined ? now : Date.parse(ended_at)
  const started = Date.parse(started_at)
  return (
    <li>
      <a class="operation" href={routeToOperation(log_id)}>
        <OperationStatus status={status} />
        <span class="operation-what">
          <strong>{kindText(operation_type)}</strong> {targetText(operation)}
        </span>
        <span class="operation-when">
          {started_by !== undefined && <span>{started_by}</span>}
          <time dateTime={started_at} title={new Date(started).toLocaleString()}>
            {ageText(now - started)}
          </time>
          <span>{status === "waiting" ? "" : `${hasEnded(status) ? "took" : "for"} ${spanText(end - started)}`}</span>
        </span>
        {error !== undefined && <span class="operation-error">{error}</span>}
      </a>
    </li>
  )
}

/** The history of operations, the newest first, with those that run. */
export const OperationList = ({ filter }: { readonly filter: OperationQuery }) => {
  const { connection, operations, session } = useModel()
  const { history: historyStatus, list, next, problem } = operations
  const now = useSignal(Date.now())
  const connected = connection.connected.value
  const asked = JSON.stringify(filter)
  useEffect(() => {
    const controller = new AbortController()
    const refresh = (): void => {
      now.value = Date.now()
      if (!document.hidden) void operations.refresh(filter, controller.signal)
    }
    refresh()
    const timer = setInterval(refresh, listInterval)
    return () => {
      clearInterval(timer)
      controller.abort()
    }
  }, [asked, connected])
  const all = list.value
  const isFiltered = asked !== "{}"
  const { available, reason } = historyStatus.value ?? { available: true, reason: undefined }
  return (
    <section id="operations" aria-labelledby="operations-title">
      <header>
        <BackLink href="#/" to="All containers" />
        <h1 id="operations-title">Operations</h1>
        {session.may("operate") && <PullForm />}
      </header>
      <Filters filter={filter} />
      {reason !== undefined && (
        <p class="banner" role="status" data-tone={available ? "info" : "bad"}>
          {reason}
        </p>
      )}
      {problem.value !== undefined && all === undefined && <p class="empty">{problem.value}</p>}
      {all?.length === 0 && (
        <p class="empty">
          {isFiltered ? "No operation matches the filter. " : "No operation has been started yet. "}
          {isFiltered && <a href={routeToOperations()}>Show all</a>}
        </p>
      )}
      <ul id="operation-list">
        {all?.map((operation) => (
          <Row key={operation.log_id} operation={operation} now={now.value} />
        ))}
      </ul>
      {next.value !== undefined && (
        <p class="empty">
          <button type="button" onClick={() => void operations.more(filter)}>
            Show older ones
          </button>
        </p>
      )}
    </section>
  )
}
