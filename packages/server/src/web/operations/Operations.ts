import { batch, signal } from "@preact/signals"
import type { Accepted, Endpoint, OperationSummary } from "../../Api/json/ApiTypes.js"
import type { ApiCaller, CallOptions, CallResult } from "../../client/api/ApiCaller.js"
import type { Notices } from "../model/Notices.js"
import { type OperationQuery, routeToOperation } from "../Route.js"

type Page = Endpoint<"operations.list">["success"]

/** How often a list in sight is fetched again, in milliseconds. */
export const listInterval = 2000

const statuses = ["waiting", "running", "completed", "failed", "interrupted"] as const

/** The states of an operation, to filter by. */
export const operationStatuses = statuses

const toQuery = ({ kind, status, text }: OperationQuery) => {
  const known = statuses.find((each) => each === status)
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(known === undefined ? {} : { status: known }),
    ...(text === undefined ? {} : { text })
  }
}

/** Why an operation was not started; `log_id` is the one that runs in its place. */
interface OperationRefusal {
  readonly _tag: string
  readonly message: string
  readonly log_id?: string
}

/** The operations of the server: their history, and what can be done to them. */
export class Operations {
  /** Undefined until they have been fetched. */
  readonly list = signal<ReadonlyArray<OperationSummary> | undefined>(undefined)
  /** Whether operations outlive the server, and if not, why. */
  readonly history = signal<Page["history"] | undefined>(undefined)
  /** Where the next, older ones begin. */
  readonly next = signal<string | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  /** Whether a request to start one is on its way. */
  readonly starting = signal(false)
  readonly #api: ApiCaller
  readonly #notices: Notices
  #filter = ""
  /** The keys of requests whose outcome is not known, by what they ask for: repeated, they start nothing twice. */
  readonly #keys = new Map<string, string>()

  constructor(api: ApiCaller, notices: Notices) {
    this.#api = api
    this.#notices = notices
  }

  /** Fetches the newest ones. Older ones that were fetched before stay. */
  async refresh(filter: OperationQuery, cancelled: AbortSignal): Promise<void> {
    const asked = JSON.stringify(filter)
    const result = await this.#api.call("operations.list", { query: toQuery(filter) }, { signal: cancelled })
    if (cancelled.aborted) return
    if (!result.ok) {
      this.problem.value = result.error.message
      return
    }
    const { history, next, operations } = result.value
    const isSame = asked === this.#filter
    this.#filter = asked
    const last = operations.at(-1)
    const known = isSame ? (this.list.value ?? []) : []
    const older = last === undefined ? -1 : known.findIndex(({ log_id }) => log_id === last.log_id)
    batch(() => {
      this.problem.value = undefined
      this.history.value = history
      this.list.value = older < 0 ? operations : [...operations, ...known.slice(older + 1)]
      if (older < 0) this.next.value = next
    })
  }

  /** Fetches older ones. */
  async more(filter: OperationQuery): Promise<void> {
    const cursor = this.next.value
    if (cursor === undefined) return
    const result = await this.#api.call("operations.list", { query: { ...toQuery(filter), cursor } })
    if (!result.ok || this.next.value !== cursor) return
    this.list.value = [...(this.list.value ?? []), ...result.value.operations]
    this.next.value = result.value.next
  }

  /** Pulls an image, and shows the operation. Asked twice, it is pulled once. */
  async pull(image: string): Promise<void> {
    await this.start(`pull ${image}`, (options) => this.#api.call("images.pull", { body: { image } }, options))
  }

  /**
   * Starts an operation and shows it. Asked twice, it is started once. `what` completes "Could not". Returns the operation, if
   * it has started.
   */
  async start<Failure extends OperationRefusal>(
    what: string,
    send: (options: CallOptions) => Promise<CallResult<Accepted, Failure>>
  ): Promise<Accepted | undefined> {
    if (this.starting.value) return undefined
    this.starting.value = true
    const idempotencyKey = this.#keys.get(what) ?? crypto.randomUUID()
    this.#keys.set(what, idempotencyKey)
    const result = await send({ idempotencyKey })
    this.starting.value = false
    // Whether a request without an answer has started something is not known.
    if (result.ok || result.status !== 0) this.#keys.delete(what)
    if (result.ok) {
      location.hash = routeToOperation(result.value.log_id)
      return result.value
    }
    const refusal: OperationRefusal = result.error
    const action =
      refusal._tag === "OperationConflict" && refusal.log_id !== undefined
        ? { label: "Show the one that runs", href: routeToOperation(refusal.log_id) }
        : undefined
    this.#notices.say("bad", `Could not ${what}: ${refusal.message}`, action)
    return undefined
  }

  async cancel({ log_id }: Pick<OperationSummary, "log_id">): Promise<void> {
    const result = await this.#api.call("operations.cancel", { path: { id: log_id } }, { timeout: 60_000 })
    if (!result.ok) this.#notices.say("bad", `Could not cancel it: ${result.error.message}`)
  }
}
