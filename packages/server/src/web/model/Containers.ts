import { signal } from "@preact/signals"
import type { Endpoint } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import type { SocketEvents } from "../../client/SocketEvents.js"

/** Container events arrive in bursts; the list is fetched once for all within this time, in milliseconds. */
const debounceTime = 250
/** How soon the list is fetched again after that has failed, in milliseconds. */
const retryTime = 5_000

type Summary = Endpoint<"containers.list">["success"][number]

/** A container as the page shows it. */
export interface Container extends Pick<Summary, "id" | "image" | "status"> {
  readonly name: string
  /** A `Summary["state"]`, or a state that only `container_status_change` reports, such as `removed`. */
  readonly state: string
  /** `healthy`, `unhealthy` or `starting`, if it has a health check. */
  readonly health: string | undefined
  /** The names that Docker Compose gave it. */
  readonly project: string | undefined
  readonly service: string | undefined
}

const healthOf = (status: string): string | undefined =>
  /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status)?.[1]

const toContainer = ({ id, image, labels, name, state, status }: Summary): Container => ({
  id,
  image,
  status,
  name: name || id.slice(0, 12),
  state,
  health: healthOf(status),
  project: labels["com.docker.compose.project"],
  service: labels["com.docker.compose.service"]
})

/** The word that the page uses for a container's state. */
export const stateWord = (state: string): string => (state === "exited" ? "stopped" : state)

/** Whether a container in this state has processes. */
export const isAlive = (state: string): boolean => state === "running" || state === "paused" || state === "restarting"

/** The containers as last fetched from the server. */
export class Containers {
  /** Undefined until the list has been fetched. */
  readonly list = signal<ReadonlyArray<Container> | undefined>(undefined)
  /** Why the list could not be fetched the last time; undefined if it could, or if other parts of the page say why. */
  readonly problem = signal<string | undefined>(undefined)
  readonly #api: ApiCaller
  readonly #onNotAllowed: () => void
  #isFetching = false
  #fetchAgain = false
  #debounce: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined

  /** `onNotAllowed` is called when the session has ended. */
  constructor(api: ApiCaller, onNotAllowed: () => void) {
    this.#api = api
    this.#onNotAllowed = onNotAllowed
  }

  find(name: string | undefined): Container | undefined {
    return this.list.value?.find((container) => container.name === name)
  }

  findById(id: string | undefined): Container | undefined {
    return this.list.value?.find((container) => container.id === id)
  }

  async refresh(): Promise<void> {
    if (this.#isFetching) {
      this.#fetchAgain = true
      return
    }
    this.#isFetching = true
    clearTimeout(this.#retry)
    const result = await this.#api.call("containers.list", {})
    this.#isFetching = false
    if (result.ok) {
      this.list.value = result.value.map(toContainer)
      this.problem.value = undefined
    } else if (result.status === 401) {
      // Without a session, trying again is pointless.
      this.#onNotAllowed()
    } else {
      this.#retry = setTimeout(() => void this.refresh(), retryTime)
      // Other failures need no words later: the status of the engine and of the connection show them.
      const isRefusal = result.status >= 400 && result.status < 500
      if (isRefusal || this.list.value === undefined) this.problem.value = result.error.message
    }
    if (!this.#fetchAgain) return
    this.#fetchAgain = false
    void this.refresh()
  }

  refreshSoon(): void {
    if (this.#debounce !== undefined) return
    this.#debounce = setTimeout(() => {
      this.#debounce = undefined
      void this.refresh()
    }, debounceTime)
  }

  /** Shows the new state and name at once; the rest follows when the list has been fetched. */
  applyStatusChange({ container_id, name, status, success }: SocketEvents["container_status_change"]): void {
    const container = this.findById(container_id)
    if (container !== undefined && success) {
      const state = status === "stopped" ? "exited" : status
      const isSame = state === container.state
      const changed: Container = {
        ...container,
        name,
        state,
        health: isSame ? container.health : undefined,
        status: isSame ? container.status : stateWord(state)
      }
      this.list.value = this.list.value?.map((each) => (each === container ? changed : each))
    }
    this.refreshSoon()
  }
}
