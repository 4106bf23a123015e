import type { ContainerAction } from "../../Api/Containers.js"
import { byId, element } from "../element.js"
import type { Container } from "../ServerApi.js"
import { runAction } from "../ServerApi.js"
import { isAlive, stateLabel } from "./stateLabel.js"

/** The actions that have a button. */
type ButtonAction = Extract<ContainerAction, "start" | "stop" | "restart">

const labels: Readonly<Record<ButtonAction, { readonly idle: string; readonly busy: string }>> = {
  start: { idle: "Start", busy: "Starting…" },
  stop: { idle: "Stop", busy: "Stopping…" },
  restart: { idle: "Restart", busy: "Restarting…" }
}

const actions = ["start", "stop", "restart"] as const

const isPossible = (action: ButtonAction, state: string): boolean =>
  action === "start" ? state === "exited" || state === "created" || state === "dead" : isAlive(state)

/** The header of the selected container: its name, its state and what can be done to it. */
export class SelectedContainer {
  readonly #section = byId("selected", HTMLElement)
  readonly #name = byId("selected-name", HTMLElement)
  readonly #state = byId("selected-state", HTMLElement)
  readonly #facts = byId("selected-facts", HTMLElement)
  readonly #problem = byId("problem", HTMLElement)
  readonly #problemText = byId("problem-text", HTMLElement)
  readonly #buttons: Readonly<Record<ButtonAction, HTMLButtonElement>> = {
    start: byId("start", HTMLButtonElement),
    stop: byId("stop", HTMLButtonElement),
    restart: byId("restart", HTMLButtonElement)
  }
  readonly #refresh: () => Promise<void>
  /** The running action of each container, by id. */
  readonly #running = new Map<string, ButtonAction>()
  #selection: { readonly id: string; readonly name: string } | undefined
  /** Undefined once the selected container has been removed. */
  #container: Container | undefined

  /** `refresh` fetches the containers again after an action. */
  constructor(refresh: () => Promise<void>) {
    this.#refresh = refresh
    for (const action of actions) this.#buttons[action].addEventListener("click", () => void this.#run(action))
    byId("problem-close", HTMLButtonElement).addEventListener("click", () => this.clearProblem())
  }

  show(selection: { readonly id: string; readonly name: string } | undefined, container: Container | undefined): void {
    this.#selection = selection
    this.#container = container
    this.#section.hidden = selection === undefined
    this.#render()
  }

  clearProblem(): void {
    this.#problem.hidden = true
    this.#problemText.textContent = ""
  }

  async #run(action: ButtonAction): Promise<void> {
    if (this.#selection === undefined) return
    const { id, name } = this.#selection
    this.clearProblem()
    this.#running.set(id, action)
    this.#render()
    try {
      await runAction(id, action)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      if (this.#selection?.id === id) this.#showProblem(`Could not ${action} ${name}: ${reason}`)
    } finally {
      this.#running.delete(id)
      await this.#refresh()
      this.#render()
    }
  }

  #showProblem(text: string): void {
    this.#problem.hidden = false
    this.#problemText.textContent = text
  }

  #render(): void {
    if (this.#selection === undefined) return
    const container = this.#container
    this.#name.textContent = this.#selection.name
    const state = container?.state ?? "removed"
    if (this.#state.dataset["state"] !== state) {
      this.#state.dataset["state"] = state
      this.#state.replaceChildren(stateLabel(state))
    }
    const facts = container === undefined ? [] : [container.image, container.status, container.id.slice(0, 12)]
    this.#facts.replaceChildren(...facts.filter((fact) => fact !== "").map((fact) => element("span", "fact", fact)))
    const running = this.#running.get(this.#selection.id)
    for (const action of actions) {
      const button = this.#buttons[action]
      button.hidden = running === undefined ? !isPossible(action, state) : running !== action
      button.disabled = running !== undefined
      button.textContent = running === action ? labels[action].busy : labels[action].idle
    }
  }
}
