import { computed, effect, type ReadonlySignal, signal } from "@preact/signals"
import type { LogController } from "../log/LogController.js"
import { type Route, routeTo } from "../Route.js"
import type { Container, Containers } from "./Containers.js"

/** A container whose log is shown. */
export interface Selected {
  readonly id: string
  readonly name: string
}

/**
 * The container that the address refers to. It is followed by its id; when it is removed, a new container with its name takes
 * over.
 */
export class Selection {
  /** Stays when the container is removed. */
  readonly selected = signal<Selected | undefined>(undefined)
  /** Undefined once the selected container has been removed. */
  readonly container: ReadonlySignal<Container | undefined>
  readonly #containers: Containers
  readonly #log: LogController
  readonly #route: ReadonlySignal<Route>

  constructor(route: ReadonlySignal<Route>, containers: Containers, log: LogController) {
    this.#route = route
    this.#containers = containers
    this.#log = log
    this.container = computed(() => containers.findById(this.selected.value?.id))
    effect(() => this.#update(route.value, containers.list.value))
  }

  /** The name in the address; undefined if it is about something else. */
  get requested(): string | undefined {
    const route = this.#route.value
    return route.view === "container" ? route.name : undefined
  }

  // Takes the list so that it is called again when that changes.
  #update(route: Route, _list: unknown): void {
    const current = this.selected.peek()
    // The log stays as it is while another view is shown.
    if (route.view !== "container") return this.#leave(route)
    const { name } = route
    const same = name === current?.name ? this.#containers.findById(current.id) : undefined
    if (same !== undefined && same.name !== name) {
      // It was renamed: the address and the view follow.
      history.replaceState(null, "", routeTo(same.name))
      dispatchEvent(new HashChangeEvent("hashchange"))
      this.selected.value = { id: same.id, name: same.name }
      return
    }
    const container = same ?? this.#containers.find(name)
    if (container === undefined) {
      if (name === current?.name) return
      this.selected.value = undefined
      this.#log.follow(undefined)
    } else if (container.id !== current?.id || name !== current.name) {
      if (name === current?.name) this.#log.continueWith(container.id)
      else this.#log.follow(container.id)
      this.selected.value = { id: container.id, name: container.name }
    }
  }

  #leave(route: Route): void {
    if (route.view !== "home") return
    this.selected.value = undefined
    this.#log.follow(undefined)
  }
}
