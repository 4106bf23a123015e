import { addresses, standardTransport } from "../client/connection/Transport.js"
import { makeSocket, type Socket } from "../client/Socket.js"
import { ConnectionStatus } from "./ConnectionStatus.js"
import { ContainerList } from "./containers/ContainerList.js"
import { ContainerStore } from "./containers/ContainerStore.js"
import { SelectedContainer } from "./containers/SelectedContainer.js"
import { byId } from "./element.js"
import { EnginePanel } from "./EnginePanel.js"
import { LogPane } from "./log/LogPane.js"
import { routeTo, selectedContainer } from "./Route.js"
import { abortRequests, ApiError } from "./ServerApi.js"

/** How often the list is fetched again, in milliseconds, because texts like `Up 3 minutes` go stale. */
const refreshTime = 60_000

/** The page of a browser that is signed in: the containers, and the log of the selected one. */
export class Page {
  readonly #app = byId("app", HTMLElement)
  readonly #summary = byId("containers-note", HTMLElement)
  readonly #welcome = byId("welcome", HTMLElement)
  readonly #welcomeText = byId("welcome-text", HTMLElement)
  readonly #showNotAllowed: (reason: string | undefined) => void
  readonly #socket: Socket = makeSocket(standardTransport(addresses(document.baseURI), undefined, undefined))
  readonly #store = new ContainerStore()
  readonly #engine = new EnginePanel(this.#socket)
  readonly #list = new ContainerList(byId("containers", HTMLElement))
  readonly #selected = new SelectedContainer(() => this.#store.refresh())
  readonly #log = new LogPane(this.#socket)
  /** The container whose log is shown. It is followed by its id; when it is removed, a new container with its name takes over. */
  #selection: { readonly name: string; readonly id: string } | undefined

  /** `showNotAllowed` is called when the session has ended. */
  constructor(showNotAllowed: (reason: string | undefined) => void) {
    this.#showNotAllowed = showNotAllowed
    this.#store.onChange = () => this.show()
    this.#store.onError = (cause) => this.#reportFetchError(cause)
    this.#engine.onChange = ({ available }) => {
      this.show()
      if (available) void this.#store.refresh()
    }
    const status = new ConnectionStatus(this.#socket)
    status.onNotAllowed = () => showNotAllowed(undefined)
    // They would wait for minutes, and the list could not be fetched again until then.
    status.onSilence = abortRequests
    this.#socket.on("container_status_change", (change) => this.#store.applyStatusChange(change))
    addEventListener("online", () => this.#socket.connect())
    addEventListener("keydown", (event) => this.#handleKey(event))
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#store.refreshSoon()
    })
    setInterval(() => {
      if (!document.hidden && this.#socket.connected) void this.#store.refresh()
    }, refreshTime)
    this.show()
  }

  /** Shows the container that the address refers to. */
  show(): void {
    this.#followRename()
    const name = selectedContainer(location.hash)
    const selected = name === this.#selection?.name ? this.#store.findById(this.#selection?.id) : undefined
    const container = selected ?? this.#store.find(name)
    this.#list.show(this.#store.containers ?? [], container?.id)
    this.#showSummary()
    this.#app.dataset["view"] = name === undefined ? "list" : "log"
    if (name !== this.#selection?.name) {
      this.#selected.clearProblem()
      this.#selection = undefined
      if (container === undefined) this.#log.follow(undefined)
    }
    if (container !== undefined && container.id !== this.#selection?.id) {
      if (this.#selection === undefined) this.#log.follow(container.id)
      else this.#log.continueWith(container.id)
      this.#selection = { name: container.name, id: container.id }
    }
    this.#selected.show(this.#selection, container)
    this.#welcome.hidden = this.#selection !== undefined
    if (this.#selection === undefined) this.#welcomeText.textContent = this.#welcomeMessage(name)
    document.title = name === undefined ? "Dockwire" : `${name} · Dockwire`
  }

  /** If the selected container was renamed, puts its new name into the address. */
  #followRename(): void {
    const selection = this.#selection
    if (selection === undefined || selectedContainer(location.hash) !== selection.name) return
    const container = this.#store.findById(selection.id)
    if (container === undefined || container.name === selection.name) return
    this.#selection = { id: container.id, name: container.name }
    history.replaceState(null, "", routeTo(container.name))
  }

  #welcomeMessage(name: string | undefined): string {
    if (this.#store.containers === undefined) {
      return this.#engine.isUnavailable
        ? "Your containers will appear here as soon as Docker is available."
        : (this.#store.problem ?? "Loading containers…")
    }
    if (name === undefined) return "Select a container to view its log."
    return `There is no container named “${name}”. It may have been removed or renamed.`
  }

  #showSummary(): void {
    const { containers } = this.#store
    if (containers === undefined) return
    const running = containers.filter((container) => container.state === "running").length
    this.#summary.textContent = containers.length === 0 ? "No containers" : `${running} of ${containers.length} running`
  }

  #reportFetchError(cause: unknown): void {
    if (cause instanceof ApiError && cause.status === 401) {
      this.#socket.disconnect()
      this.#showNotAllowed(undefined)
    } else if (this.#store.containers === undefined || (cause instanceof ApiError && cause.isRefusal)) {
      // Other failures need no text later: the status of the engine and of the connection show them.
      this.show()
      this.#summary.textContent = this.#store.problem ?? ""
    }
  }

  #handleKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#selection === undefined) return
    if (event.target instanceof HTMLInputElement) return
    if (event.key === "/") this.#log.focusFilter()
    else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) this.#log.togglePause()
    else return
    event.preventDefault()
  }
}
