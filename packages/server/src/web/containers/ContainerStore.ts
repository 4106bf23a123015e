import type { SocketEvents } from "../../client/SocketEvents.js"
import type { Container } from "../ServerApi.js"
import { ApiError, listContainers } from "../ServerApi.js"
import { stateWord } from "./stateLabel.js"

/** Container events arrive in bursts; the list is fetched once for all within this time, in milliseconds. */
const debounceTime = 250
/** How soon the list is fetched again after that has failed, in milliseconds. */
const retryTime = 5_000

/** The containers as last fetched from the server. */
export class ContainerStore {
  /** Called after each change. */
  onChange: () => void = () => {}
  /** Called when the list could not be fetched. */
  onError: (cause: unknown) => void = () => {}
  #containers: ReadonlyArray<Container> | undefined
  #isFetching = false
  #fetchAgain = false
  #debounce: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #problem: string | undefined

  /** Undefined until the list has been fetched. */
  get containers(): ReadonlyArray<Container> | undefined {
    return this.#containers
  }

  /** Why the list could not be fetched the last time; undefined if it could. */
  get problem(): string | undefined {
    return this.#problem
  }

  find(name: string | undefined): Container | undefined {
    return this.#containers?.find((container) => container.name === name)
  }

  findById(id: string | undefined): Container | undefined {
    return this.#containers?.find((container) => container.id === id)
  }

  async refresh(): Promise<void> {
    if (this.#isFetching) {
      this.#fetchAgain = true
      return
    }
    this.#isFetching = true
    clearTimeout(this.#retry)
    try {
      this.#containers = await listContainers()
      this.#problem = undefined
      this.onChange()
    } catch (cause) {
      this.#problem = cause instanceof Error ? cause.message : String(cause)
      // Without a session, trying again is pointless.
      if (!(cause instanceof ApiError && cause.status === 401)) {
        this.#retry = setTimeout(() => void this.refresh(), retryTime)
      }
      this.onError(cause)
    } finally {
      this.#isFetching = false
      if (this.#fetchAgain) {
        this.#fetchAgain = false
        void this.refresh()
      }
    }
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
    const container = this.#containers?.find(({ id }) => id === container_id)
    if (container !== undefined && success && this.#containers !== undefined) {
      const state = status === "stopped" ? "exited" : status
      const changed: Container = {
        ...container,
        name,
        state,
        status: state === container.state ? container.status : stateWord(state)
      }
      this.#containers = this.#containers.map((each) => (each === container ? changed : each))
      this.onChange()
    }
    this.refreshSoon()
  }
}
