import { signal } from "@preact/signals"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import { type Container, type Containers, isAlive } from "./Containers.js"
import type { Notices } from "./Notices.js"

/** What can be done to a container with one click. */
export type ContainerAction = "start" | "stop" | "restart"

/** In the order in which they are offered. */
export const containerActions = ["start", "restart", "stop"] as const satisfies ReadonlyArray<ContainerAction>

/** An action has to wait for a container that takes its time to stop, in milliseconds. */
const actionTimeout = 600_000

export const actionLabels: Readonly<Record<ContainerAction, { readonly idle: string; readonly busy: string }>> = {
  start: { idle: "Start", busy: "Starting…" },
  stop: { idle: "Stop", busy: "Stopping…" },
  restart: { idle: "Restart", busy: "Restarting…" }
}

/** Whether an action makes sense for a container in this state. */
export const isPossible = (action: ContainerAction, state: string): boolean =>
  action === "start" ? state === "exited" || state === "created" || state === "dead" : isAlive(state)

/** Starts, stops, restarts and removes containers. One action of a container runs at a time: a double click is one. */
export class ContainerActions {
  /** The running action of each container, by id. */
  readonly running = signal<ReadonlyMap<string, ContainerAction | "remove">>(new Map())
  readonly #api: ApiCaller
  readonly #containers: Containers
  readonly #notices: Notices

  constructor(api: ApiCaller, containers: Containers, notices: Notices) {
    this.#api = api
    this.#containers = containers
    this.#notices = notices
  }

  async run(action: ContainerAction, { id, name }: Pick<Container, "id" | "name">): Promise<void> {
    const again = { label: "Start again", run: () => void this.run("start", { id, name }) }
    await this.#once(id, action, async () => {
      const result = await this.#api.call(`containers.${action}`, { path: { id } }, { timeout: actionTimeout })
      if (!result.ok) this.#notices.say("bad", `Could not ${action} ${name}: ${result.error.message}`)
      else if (action === "stop") this.#notices.say("info", `${name} was stopped.`, again)
    })
  }

  /** Removes a container, also one that runs. */
  async remove({ id, name }: Pick<Container, "id" | "name">, volumes: boolean): Promise<void> {
    await this.#once(id, "remove", async () => {
      const request = { path: { id }, query: { force: true, volumes } }
      const result = await this.#api.call("containers.remove", request, { timeout: actionTimeout })
      if (result.ok) this.#notices.say("info", `${name} was removed.`)
      else this.#notices.say("bad", `Could not remove ${name}: ${result.error.message}`)
    })
  }

  async #once(id: string, action: ContainerAction | "remove", run: () => Promise<void>): Promise<void> {
    if (this.running.value.has(id)) return
    this.running.value = new Map(this.running.value).set(id, action)
    await run()
    const rest = new Map(this.running.value)
    rest.delete(id)
    this.running.value = rest
    await this.#containers.refresh()
  }
}
