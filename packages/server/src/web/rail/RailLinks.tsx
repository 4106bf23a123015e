import { isAlive } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"
import { routeToOperations, routeToSearch, routeToStacks } from "../Route.js"

/** The name of the page, how many containers run, and the way to the other views. */
export const RailLinks = () => {
  const { containers, route } = useModel()
  const all = containers.list.value
  const running = all?.filter(({ state }) => isAlive(state)).length ?? 0
  const summary = all?.length === 0 ? "No containers" : `${running} of ${all?.length ?? 0} running`
  const { view } = route.value
  const current = (...views: ReadonlyArray<string>) => (views.includes(view) ? "page" : undefined)
  return (
    <header>
      <a class="brand" href="#/">
        <img src="assets/icon.svg" alt="" width="24" height="24" />
        Dockwire
      </a>
      <span id="containers-note">{containers.problem.value ?? (all === undefined ? "" : summary)}</span>
      <div class="view-links">
        <a class="view-link" href={routeToSearch("")} aria-current={current("search")} title="Ctrl-K or ⌘K">
          Search
        </a>
        <a class="view-link" href={routeToOperations()} aria-current={current("operations", "operation")}>
          Operations
        </a>
        <a class="view-link" href={routeToStacks} aria-current={current("stacks", "stack")}>
          Stacks
        </a>
      </div>
    </header>
  )
}
