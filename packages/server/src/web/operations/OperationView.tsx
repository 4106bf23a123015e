import { BackLink } from "../app/BackLink.js"
import { useSignal } from "@preact/signals"
import { useEffect, useLayoutEffect, useRef } from "preact/hooks"
import { countLines } from "../log/logNotes.js"
import { useModel } from "../model/PageModel.js"
import { routeToOperations } from "../Route.js"
import { FailureReport } from "./FailureReport.js"
import { OperationRun } from "./OperationRun.js"
import { OperationStatus } from "./OperationStatus.js"
import { hasEnded, kindText, spanText, targetText } from "./operationWords.js"
import { ProgressTree } from "./ProgressTree.js"

/** What can be done to it: cancel it while it runs, or do the same again. */
const Actions = ({ run }: { readonly run: OperationRun }) => {
  const { operations, session } = useModel()
  const cancelling = useSignal(false)
  const details = run.details.value
  if (details === undefined || !session.may("operate")) return null
  const { image_name, operation_type, status } = details
  if (!hasEnded(status)) {
    return (
      <button
        type="button"
        disabled={cancelling.value}
        onClick={() => {
          cancelling.value = true
          void operations.cancel(details).then(async () => {
            await run.refresh()
            cancelling.value = false
          })
        }}
      >
        {cancelling.value ? "Cancelling…" : "Cancel"}
      </button>
    )
  }
  if (operation_type !== "pull_image" || image_name === null) return null
  return (
    <button type="button" disabled={operations.starting.value} onClick={() => void operations.pull(image_name)}>
      {status === "completed" ? "Pull again" : "Try again"}
    </button>
  )
}

/** When it began and how long it takes or took. */
const Times = ({ run }: { readonly run: OperationRun }) => {
  const details = run.details.value
  const now = useSignal(Date.now())
  const isRunning = details !== undefined && !hasEnded(details.status)
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => {
      now.value = Date.now()
    }, 1000)
    return () => clearInterval(timer)
  }, [isRunning])
  if (details === undefined) return null
  const { ended_at, started_at, started_by, status } = details
  const end = ended_at === undefined ? now.value : Date.parse(ended_at)
  return (
    <p class="operation-facts">
      <time dateTime={started_at}>{new Date(started_at).toLocaleString()}</time>
      {status !== "waiting" && <span>{`${isRunning ? "for" : "took"} ${spanText(end - Date.parse(started_at))}`}</span>}
      {started_by !== undefined && <span>by {started_by}</span>}
      <span>{countLines(run.lines.value)}</span>
    </p>
  )
}

const Output = ({ run }: { readonly run: OperationRun }) => {
  const frame = useRef<HTMLDivElement>(null)
  const { theme } = useModel()
  const themeName = theme.name.value
  useLayoutEffect(() => {
    frame.current?.prepend(run.box)
    run.restyle()
  }, [run, themeName])
  const isEmpty = run.lines.value === 0
  const ended = hasEnded(run.details.value?.status ?? "running")
  return (
    <div class="output" ref={frame}>
      {isEmpty && <p class="empty">{ended ? "It printed nothing." : "Nothing was printed yet."}</p>}
      <button type="button" class="jump" hidden={run.following.value} onClick={() => run.scrollToEnd()}>
        Jump to latest
      </button>
    </div>
  )
}

const Shown = ({ run }: { readonly run: OperationRun }) => {
  const details = run.details.value
  const fraction = run.fraction.value
  const problem = run.problem.value
  if (details === undefined) return <p class="empty">{problem ?? "Loading…"}</p>
  const isRunning = !hasEnded(details.status)
  return (
    <>
      <header>
        <BackLink href={routeToOperations()} to="All operations" />
        <div class="operation-title">
          <h1>
            {kindText(details.operation_type)} {targetText(details)}
          </h1>
          <OperationStatus status={details.status} />
        </div>
        <Times run={run} />
        <div class="operation-actions">
          <Actions run={run} />
        </div>
      </header>
      {isRunning && fraction !== undefined && (
        <progress class="whole" value={fraction} max={1} aria-label="The whole operation" />
      )}
      {details.status === "failed" && <FailureReport details={details} />}
      <ProgressTree run={run} />
      <Output run={run} />
    </>
  )
}

/** One operation: a tree of its parts above what it prints. */
export const OperationView = ({ id }: { readonly id: string }) => {
  const { api, socket } = useModel()
  const run = useSignal<OperationRun | undefined>(undefined)
  useEffect(() => {
    const opened = new OperationRun(api, socket, id)
    run.value = opened
    return () => opened.close()
  }, [id])
  return (
    <section id="operation" aria-label="Operation">
      {run.value !== undefined && run.value.id === id && <Shown key={id} run={run.value} />}
    </section>
  )
}
