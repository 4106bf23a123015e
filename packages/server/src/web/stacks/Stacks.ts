import { signal } from "@preact/signals"
import type { Endpoint } from "../../Api/json/ApiTypes.js"
import type { ApiCaller } from "../../client/api/ApiCaller.js"
import type { Notices } from "../model/Notices.js"
import type { Operations } from "../operations/Operations.js"
import { routeToStack, routeToStacks } from "../Route.js"

/** A stack of the list, and one with its containers. */
export type Stack = Endpoint<"stacks.list">["success"]["stacks"][number]
export type StackDetails = Endpoint<"stacks.get">["success"]

/** What can be done with a stack as an operation. */
export type StackAction = "up" | "pull" | "start" | "restart" | "stop" | "down" | "update"

/** An action has to wait for a compose file to be downloaded and checked, in milliseconds. */
const fileTimeout = 120_000

/** What became of a comparison with the URL of a stack. */
export type Check =
  | { readonly kind: "running" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "done"; readonly changed: boolean; readonly diff: string }

/** The stacks of the server. */
export class Stacks {
  /** Undefined until they have been fetched. */
  readonly list = signal<ReadonlyArray<Stack> | undefined>(undefined)
  /** Why the list is not there, or not whole. */
  readonly problem = signal<string | undefined>(undefined)
  /** The stack that is shown. */
  readonly details = signal<StackDetails | undefined>(undefined)
  readonly check = signal<Check | undefined>(undefined)
  /** Whether a stack is being added. */
  readonly adding = signal(false)
  readonly #api: ApiCaller
  readonly #notices: Notices
  readonly #operations: Operations

  constructor(api: ApiCaller, operations: Operations, notices: Notices) {
    this.#api = api
    this.#operations = operations
    this.#notices = notices
  }

  async refresh(cancelled: AbortSignal): Promise<void> {
    const result = await this.#api.call("stacks.list", {}, { signal: cancelled })
    if (cancelled.aborted) return
    if (result.ok) this.list.value = result.value.stacks
    this.problem.value = result.ok ? result.value.problem : result.error.message
  }

  async refreshOne(name: string, cancelled: AbortSignal): Promise<void> {
    const result = await this.#api.call("stacks.get", { path: { name } }, { signal: cancelled })
    if (cancelled.aborted) return
    if (result.ok) this.details.value = result.value
    else if (result.status === 404) this.details.value = undefined
    this.problem.value = result.ok ? undefined : result.error.message
  }

  /** Resolves to why it was not added. */
  async add(name: string, from: string): Promise<string | undefined> {
    if (this.adding.value) return undefined
    this.adding.value = true
    const body = /^https?:/i.test(from) ? { name, url: from } : { name, path: from }
    const result = await this.#api.call("stacks.add", { body }, { timeout: fileTimeout })
    this.adding.value = false
    if (!result.ok) {
      const { error } = result
      return error._tag === "StackConflict" && error.reason === "Exists"
        ? `There is a stack “${name}” already. Choose another name.`
        : error.message
    }
    this.#notices.say("info", `${name} was added.`)
    location.hash = routeToStack(name)
    return undefined
  }

  /** Starts an operation, and shows it. */
  async run(action: StackAction, name: string): Promise<void> {
    const request = { path: { name } }
    const verb = action === "up" ? "bring up" : action === "down" ? "take down" : action
    const accepted = await this.#operations.start(`${verb} ${name}`, (options) =>
      this.#api.call(`stacks.${action}`, request, { ...options, timeout: fileTimeout })
    )
    if (accepted === undefined || action !== "stop") return
    const undo = async (): Promise<void> => {
      // Until it has ended, nothing else can be done with the stack. It may have ended.
      await this.#api.call("operations.cancel", { path: { id: accepted.log_id } }, { timeout: fileTimeout })
      await this.run("start", name)
    }
    this.#notices.say("info", `${name} is being stopped.`, { label: "Start again", run: () => void undo() })
  }

  /** Compares the compose file with what its URL leads to now. */
  async compare(name: string): Promise<void> {
    if (this.check.value?.kind === "running") return
    this.check.value = { kind: "running" }
    const result = await this.#api.call("stacks.check", { path: { name } }, { timeout: fileTimeout })
    this.check.value = result.ok
      ? { kind: "done", changed: result.value.changed, diff: result.value.diff }
      : { kind: "failed", reason: result.error.message }
  }

  /** Forgets the stack. Its containers go on. */
  async remove(name: string): Promise<void> {
    const result = await this.#api.call("stacks.remove", { path: { name }, query: { force: true } })
    if (!result.ok) {
      this.#notices.say("bad", `Could not remove ${name}: ${result.error.message}`)
      return
    }
    const { kept } = result.value
    this.#notices.say("info", `${name} was removed.${kept === undefined ? "" : ` Its folder ${kept} is not empty.`}`)
    location.hash = routeToStacks
  }
}
