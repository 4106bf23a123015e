import { BackLink } from "../app/BackLink.js"
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { NameDialog } from "../app/NameDialog.js"
import { useModel } from "../model/PageModel.js"
import { StateMark } from "../rail/StateMark.js"
import { routeTo, routeToOperations, routeToStacks } from "../Route.js"
import { FileCheck } from "./FileCheck.js"
import { servicesText, sourceText, StackStatus } from "./StackStatus.js"
import type { StackAction, StackDetails, Stacks } from "./Stacks.js"
import { useRefresh } from "./useRefresh.js"

const labels: Readonly<Record<Exclude<StackAction, "update">, string>> = {
  up: "Up",
  pull: "Pull",
  start: "Start",
  restart: "Restart",
  stop: "Stop",
  down: "Down"
}

/** What makes sense for a stack as it is. Without its compose file, containers can't be made. */
const possibleActions = ({ containers, source }: StackDetails): ReadonlyArray<keyof typeof labels> => {
  const running = containers.filter(({ state }) => state === "running" || state === "restarting").length
  const fromFile = source === undefined ? [] : (["up", "pull"] as const)
  const ofContainers = [
    ...(containers.length > running ? (["start"] as const) : []),
    ...(running > 0 ? (["restart", "stop"] as const) : []),
    ...(containers.length > 0 ? (["down"] as const) : [])
  ]
  return [...fromFile, ...ofContainers]
}

const Actions = ({ stack, stacks }: { readonly stack: StackDetails; readonly stacks: Stacks }) => {
  const { operations } = useModel()
  const asking = useSignal<"down" | "remove" | undefined>(undefined)
  const { containers, name, source } = stack
  const close = (): void => {
    asking.value = undefined
  }
  return (
    <div class="view-actions" role="group" aria-label="Actions">
      {possibleActions(stack).map((action) => (
        <button
          key={action}
          type="button"
          disabled={operations.starting.value}
          onClick={() => {
            // What is not here can't be brought up again.
            if (action === "down" && source === undefined) asking.value = action
            else void stacks.run(action, name)
          }}
        >
          {labels[action]}
          {action === "down" && source === undefined ? "…" : ""}
        </button>
      ))}
      {source?._tag === "Url" && (
        <button
          type="button"
          disabled={stacks.check.value?.kind === "running"}
          onClick={() => void stacks.compare(name)}
        >
          {stacks.check.value?.kind === "running" ? "Checking…" : "Check for an update"}
        </button>
      )}
      {source !== undefined && (
        <button
          type="button"
          class="danger"
          onClick={() => {
            asking.value = "remove"
          }}
        >
          Remove…
        </button>
      )}
      {asking.value === "down" && (
        <NameDialog
          name={name}
          title={`Take ${name} down?`}
          confirm="Take down"
          onClose={close}
          onConfirm={() => void stacks.run("down", name)}
        >
          Its containers and networks are removed. This server does not have its compose file, so it can’t bring them up
          again.
        </NameDialog>
      )}
      {asking.value === "remove" && (
        <NameDialog
          name={name}
          title={`Remove ${name}?`}
          confirm="Remove"
          onClose={close}
          onConfirm={() => void stacks.remove(name)}
        >
          {source?._tag === "Url"
            ? "Its compose file on the server is deleted."
            : "Its compose file stays where it is."}
          {containers.length > 0 && " Its containers go on, as a project that was not added."}
        </NameDialog>
      )}
    </div>
  )
}

const Containers = ({ containers }: Pick<StackDetails, "containers">) => (
  <ul class="view-list stack-containers" aria-label="Containers">
    {containers.map(({ exitCode, health, id, image, name, service, state }) => (
      <li key={id}>
        <a class="stack" href={routeTo(name)}>
          <StateMark state={state} health={health} />
          <strong class="stack-name">{service}</strong>
          <span class="stack-services">
            {name}
            {exitCode === undefined ? "" : ` · exit code ${exitCode}`}
          </span>
          <span class="stack-source">{image}</span>
        </a>
      </li>
    ))}
  </ul>
)

/** One stack: how it is, what can be done with it, and its containers. */
export const StackView = ({ name, stacks }: { readonly name: string; readonly stacks: Stacks }) => {
  const { session } = useModel()
  useEffect(() => {
    stacks.check.value = undefined
  }, [name])
  useRefresh((cancelled) => stacks.refreshOne(name, cancelled), name)
  const { value } = stacks.details
  const stack = value?.name === name ? value : undefined
  const problem = stacks.problem.value
  return (
    <section class="view" aria-labelledby="stack-title">
      <header>
        <BackLink always href={routeToStacks} to="All stacks" />
        <div class="view-title">
          <h1 id="stack-title">{name}</h1>
          {stack !== undefined && <StackStatus status={stack.status} />}
        </div>
        {stack !== undefined && (
          <p class="view-facts">
            <span>{servicesText(stack)}</span>
            <span>{sourceText(stack)}</span>
            <a href={routeToOperations({ text: `stack:${name}` })}>Its operations</a>
          </p>
        )}
        {stack !== undefined && session.may("operate") && <Actions stack={stack} stacks={stacks} />}
      </header>
      {problem !== undefined && (
        <p class="banner" role="status">
          {problem}
        </p>
      )}
      {stack?.problem !== undefined && (
        <p class="banner" role="status">
          {stack.problem}
        </p>
      )}
      {stack === undefined && problem === undefined && <p class="empty">Loading…</p>}
      {stack !== undefined && <FileCheck name={name} stacks={stacks} />}
      {stack?.containers.length === 0 && (
        <p class="empty">
          It has no containers.{" "}
          {stack.source !== undefined && session.may("operate") && "“Up” creates and starts them."}
        </p>
      )}
      {stack !== undefined && <Containers containers={stack.containers} />}
    </section>
  )
}
