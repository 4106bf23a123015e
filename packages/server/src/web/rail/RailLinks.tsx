import { isAlive } from "../model/Containers.js"
import { useModel } from "../model/PageModel.js"
import { routeToOperations } from "../Route.js"

/** The name of the page, how many containers run, and the way to the other views. */
export const RailLinks = () => {
  const { containers, route } = useModel()
  const all = containers.list.value
  const running = all?.filter(({ state }) => isAlive(state)).length ?? 0
  const summary = all?.length === 0 ? "No containers" : `${running} of ${all?.length ?? 0} running`
  const isOperations = route.value.view === "operations" || route.value.view === "operation"
  return (
    <header>
      <a class="brand" href="#/">
        <img src="assets/icon.svg" alt="" width="24" height="24" />
        Dockwire
      </a>
      <span id="containers-note">{containers.problem.value ?? (all === undefined ? "" : summary)}</span>
      <a class="view-link" href={routeToOperations()} aria-current={isOperations ? "page" : undefined}>
        Operations
      </a>
    </header>
  )
}
