import { BackLink } from "../app/BackLink.js"
import { signal } from "@preact/signals"
import { later } from "../app/Later.js"
import { LogPane } from "../log/LogPane.js"
import { actionLabels, containerActions, isPossible } from "../model/ContainerActions.js"
import { useModel } from "../model/PageModel.js"
import { loadSetting, saveSetting } from "../model/settings.js"
import { StateMark } from "../rail/StateMark.js"

const StatsPanel = later(async () => (await import("../stats/StatsPanel.js")).StatsPanel)

const statsShown = signal(loadSetting("stats") === "on")

const StatsSwitch = () => (
  <button
    type="button"
    id="stats-switch"
    aria-pressed={statsShown.value}
    onClick={() => {
      statsShown.value = !statsShown.value
      saveSetting("stats", statsShown.value ? "on" : "off")
    }}
  >
    Stats
  </button>
)

/** What can be done to the selected container. The action that runs is the only one. */
const Actions = () => {
  const { actions, selection, session } = useModel()
  const container = selection.container.value
  if (container === undefined || !session.may("operate")) return null
  const running = actions.running.value.get(container.id)
  return (
    <div id="actions">
      {containerActions
        .filter((action) => (running === undefined ? isPossible(action, container.state) : running === action))
        .map((action) => (
          <button
            key={action}
            type="button"
            disabled={running !== undefined}
            onClick={() => void actions.run(action, container)}
          >
            {running === action ? actionLabels[action].busy : actionLabels[action].idle}
          </button>
        ))}
    </div>
  )
}

/** The selected container: what it is, what can be done to it, and its log. */
export const SelectedContainer = () => {
  const { route, selection } = useModel()
  const selected = selection.selected.value
  const container = selection.container.value
  const isShown = route.value.view === "container" && selected !== undefined
  const facts = container === undefined ? [] : [container.image, container.status, container.id.slice(0, 12)]
  return (
    <section id="selected" hidden={!isShown} aria-labelledby="selected-name">
      <header>
        <BackLink href="#/" to="All containers" />
        <div id="title">
          <h1 id="selected-name">{selected?.name}</h1>
          <span id="selected-state">
            <StateMark state={container?.state ?? "removed"} health={container?.health} />
          </span>
        </div>
        <p id="selected-facts">
          {facts
            .filter((fact) => fact !== "")
            .map((fact) => (
              <span key={fact} class="fact">
                {fact}
              </span>
            ))}
        </p>
        <div id="container-tools">
          <StatsSwitch />
          <Actions />
        </div>
      </header>
      {isShown && statsShown.value && <StatsPanel key={selected.id} id={selected.id} />}
      <LogPane />
    </section>
  )
}
