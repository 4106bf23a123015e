import { BackLink } from "../app/BackLink.js"
import { useSignal } from "@preact/signals"
import { useModel } from "../model/PageModel.js"
import { routeToStack } from "../Route.js"
import { servicesText, sourceText, StackStatus } from "./StackStatus.js"
import type { Stack, Stacks } from "./Stacks.js"
import { useRefresh } from "./useRefresh.js"

/** The last folder of a path or URL that could be a name. */
const suggestedName = (from: string): string => {
  const folders = from.replace(/[?#].*$/, "").split(/[/\\]/)
  const file = /^(docker-)?compose(\.\w+)?\.ya?ml$|^$/
  const last = folders.reverse().find((folder) => !file.test(folder)) ?? ""
  return last
    .replace(/\.ya?ml$/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
}

const AddForm = ({ stacks }: { readonly stacks: Stacks }) => {
  const from = useSignal("")
  const name = useSignal<string | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  const given = name.value ?? suggestedName(from.value)
  const submit = async (): Promise<void> => {
    problem.value = undefined
    problem.value = await stacks.add(given.trim(), from.value.trim())
  }
  const isComplete = given.trim() !== "" && from.value.trim() !== ""
  return (
    <form
      id="add-stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (isComplete) void submit()
      }}
    >
      <input
        aria-label="URL or path of a compose file"
        placeholder="URL or path of a compose file"
        autocomplete="off"
        spellcheck={false}
        value={from.value}
        onInput={(event) => {
          from.value = event.currentTarget.value
        }}
      />
      <input
        aria-label="Name of the stack"
        placeholder="Name"
        autocomplete="off"
        spellcheck={false}
        value={given}
        onInput={(event) => {
          name.value = event.currentTarget.value
        }}
      />
      <button type="submit" disabled={!isComplete || stacks.adding.value}>
        {stacks.adding.value ? "Adding…" : "Add stack"}
      </button>
      {problem.value !== undefined && (
        <p class="form-problem" role="alert">
          {problem.value}
        </p>
      )}
    </form>
  )
}

const Row = ({ stack }: { readonly stack: Stack }) => (
  <li>
    <a class="stack" href={routeToStack(stack.name)}>
      <StackStatus status={stack.status} />
      <strong class="stack-name">{stack.name}</strong>
      <span class="stack-services">{servicesText(stack)}</span>
      <span class="stack-source">{sourceText(stack)}</span>
      {stack.problem !== undefined && <span class="stack-problem">{stack.problem}</span>}
    </a>
  </li>
)

/** The stacks that were added, and the other compose projects that have containers. */
export const StackList = ({ stacks }: { readonly stacks: Stacks }) => {
  const { session } = useModel()
  useRefresh((cancelled) => stacks.refresh(cancelled), "")
  const list = stacks.list.value
  const problem = stacks.problem.value
  return (
    <section class="view" aria-labelledby="stacks-title">
      <header>
        <BackLink href="#/" to="All containers" />
        <h1 id="stacks-title">Stacks</h1>
        {session.may("operate") && <AddForm stacks={stacks} />}
      </header>
      {problem !== undefined && (
        <p class="banner" role="status">
          {problem}
        </p>
      )}
      {list === undefined && problem === undefined && <p class="empty">Loading stacks…</p>}
      {list?.length === 0 && (
        <p class="empty">
          There are no stacks yet. {session.may("operate") && "Add the URL or the path of a compose file above."}
        </p>
      )}
      <ul id="stack-list" class="view-list">
        {list?.map((stack) => (
          <Row key={stack.name} stack={stack} />
        ))}
      </ul>
    </section>
  )
}
