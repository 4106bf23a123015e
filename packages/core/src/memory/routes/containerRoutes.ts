import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { nullable } from "../../internal/api/decode.js"
import { type Call, decodeBody, type Routes, targetContainer } from "../calls/call.js"
import { restartPolicy, RestartPolicyConfig } from "../calls/containerConfig.js"
import type { Filters } from "../calls/filters.js"
import { jsonResponse } from "../calls/response.js"
import { containerChanges, writableLayerSize } from "../containers/containerChanges.js"
import { validateLimits, validateName, validateRestartPolicy } from "../containers/containerValidation.js"
import { containerView, summaryView } from "../containers/containerView.js"
import { createContainer } from "../containers/createContainer.js"
import { commandLine } from "../containers/processConfig.js"
import { removeContainer } from "../containers/removeContainer.js"
import { withDefaultTag } from "../programs/imageReference.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { isRunning, type MemoryContainer, requireRunning } from "../state/memoryContainer.js"

const knownFilters = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume"
]
const statuses = ["created", "restarting", "running", "removing", "paused", "exited", "dead"]

/** Whether a `publish` or `expose` filter names a port: by number, or with its protocol. */
const matchesPort = (value: string, key: string, hostPort: string): boolean =>
  value.includes("/") ? value === key || value === hostPort : [key.split("/")[0], hostPort].includes(value)

const matchesFilters = (state: EngineState, filters: Filters, container: MemoryContainer): boolean =>
  filters.any("id", (id) => container.id.startsWith(id)) &&
  (filters.name(container.name) || filters.name(`/${container.name}`)) &&
  filters.labels(container.settings.labels) &&
  filters.any("status", (value) => container.status === value) &&
  filters.any("exited", (code) => container.status === "exited" && container.exitCode === Number(code)) &&
  filters.any("health", (health) => (container.health ?? "none") === health) &&
  filters.any(
    "ancestor",
    (name) => container.image.id === name || container.image.tags.includes(withDefaultTag(name))
  ) &&
  filters.any("network", (name) =>
    [...container.endpoints.keys()].some((id) => id.startsWith(name) || state.networks.get(id)?.name === name)
  ) &&
  filters.any("volume", (value) => container.mounts.some(({ name, target }) => name === value || target === value)) &&
  filters.any("publish", (value) =>
    container.ports.some(({ hostPort, key }) => matchesPort(value, key, String(hostPort)))
  ) &&
  filters.any("expose", (value) => container.settings.ports.some(({ key }) => matchesPort(value, key, ""))) &&
  filters.any("is-task", (value) => value === "false")

const filteredContainers = (
  state: EngineState,
  filters: Filters
): Effect.Effect<ReadonlyArray<MemoryContainer>, ErrorResponse> =>
  Effect.gen(function* () {
    const invalid = filters.get("status").find((value) => !statuses.includes(value))
    if (invalid !== undefined) return yield* errorResponse(400, `invalid filter 'status=${invalid}'`)
    const createdAt = (key: string) =>
      Effect.forEach(filters.get(key), (reference) =>
        Effect.map(state.findContainer(reference), ({ created }) => created)
      )
    const before = yield* createdAt("before")
    const since = yield* createdAt("since")
    return [...state.containers.values()].filter(
      (container) =>
        matchesFilters(state, filters, container) &&
        before.every((time) => container.created < time) &&
        since.every((time) => container.created > time)
    )
  })

const list = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const limit = (yield* query.integer("limit", 500)) ?? 0
    const filters = yield* query.filters(knownFilters)
    const all = query.flag("all") || limit > 0 || filters.get("status").length > 0 || filters.get("exited").length > 0
    const containers = (yield* filteredContainers(state, filters)).filter(
      (container) => all || isRunning(container) || container.status === "restarting"
    )
    const newestFirst = containers.toReversed()
    const now = yield* state.clock.now
    const page = limit > 0 ? newestFirst.slice(0, limit) : newestFirst
    return jsonResponse(
      200,
      page.map((container) => summaryView(state, container, now, query.flag("size")))
    )
  })

const prune = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["label", "label!", "until"])
    const until = yield* filters.until(yield* state.clock.now)
    const deleted: Array<string> = []
    let reclaimed = 0
    for (const container of state.containers.values()) {
      const { created, id, settings, status } = container
      if (until !== undefined && created > until) continue
      if (status !== "created" && status !== "exited") continue
      if (!filters.labels(settings.labels) || !filters.withoutLabels(settings.labels)) continue
      yield* removeContainer(state, container, { force: false, volumes: false })
      deleted.push(id)
      reclaimed += writableLayerSize(container)
    }
    yield* state.journal.publish("container", "prune", "", { reclaimed: String(reclaimed) })
    return jsonResponse(200, { ContainersDeleted: deleted, SpaceReclaimed: reclaimed })
  })

const rename = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const name = (call.query.text("name") ?? "").replace(/^\//, "")
    if (name === "") return yield* errorResponse(400, "Neither old nor new names may be empty")
    if (name === container.name) {
      return yield* errorResponse(400, "Renaming a container with the same name as its current name")
    }
    yield* Effect.mapError(validateName(call.state, name, `/${name}`), ({ message, status }) =>
      errorResponse(status, `Error when allocating new name: ${message}`)
    )
    const oldName = `/${container.name}`
    container.name = name
    yield* call.state.emitContainerEvent(container, "rename", { oldName })
    return jsonResponse(204)
  })

const decodeUpdate = decodeBody(
  Schema.Struct({
    Memory: Schema.optional(Schema.Number),
    MemorySwap: Schema.optional(Schema.Number),
    NanoCpus: Schema.optional(Schema.Number),
    RestartPolicy: nullable(RestartPolicyConfig)
  })
)

const update = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const { Memory = 0, MemorySwap = 0, NanoCpus = 0, RestartPolicy: policy } = yield* decodeUpdate(call)
    yield* validateLimits({ memory: Memory, memorySwap: MemorySwap, nanoCpus: NanoCpus })
    const cannotUpdate = (message: string) => errorResponse(409, `Cannot update container ${container.id}: ${message}`)
    const memorySwap = container.hostConfig["MemorySwap"]
    if (MemorySwap === 0 && typeof memorySwap === "number" && memorySwap > 0 && Memory > memorySwap) {
      const advice = "update the memoryswap at the same time"
      return yield* cannotUpdate(`Memory limit should be smaller than already set memoryswap limit, ${advice}`)
    }
    if (policy?.Name !== undefined && policy.Name !== "") {
      const restart = restartPolicy(policy)
      yield* validateRestartPolicy(restart)
      if (container.settings.autoRemove && restart.name !== "no") {
        const message = "Restart policy cannot be updated because AutoRemove is enabled for the container"
        return yield* cannotUpdate(message)
      }
      container.restart = restart
    }
    const limits = typeof call.body === "object" && call.body !== null ? { ...call.body } : {}
    container.hostConfig = { ...container.hostConfig, ...limits }
    yield* call.state.emitContainerEvent(container, "update")
    return jsonResponse(200, { Warnings: null })
  })

const timeOfDay = (nanos: bigint) => new Date(Number(nanos / 1_000_000n)).toISOString().slice(11, 16)

const top = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const { process, startedAt } = yield* requireRunning(container)
    const args = call.query.text("ps_args") ?? "-ef"
    if (!/^-?[a-zA-Z]+$/.test(args)) return yield* errorResponse(500, `ps: error: unsupported option: ${args}`)
    const processes = [{ process, command: commandLine(container) }, ...call.state.runningExecs(container)]
    const rows = processes.map(({ command, process }) => [
      "root",
      String(process.pid),
      "1",
      "0",
      timeOfDay(startedAt),
      "?",
      "00:00:00",
      command.join(" ")
    ])
    yield* call.state.emitContainerEvent(container, "top")
    return jsonResponse(200, { Processes: rows, Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"] })
  })

/** The routes that list, create, inspect and update containers. */
export const containerRoutes: Routes = {
  "GET /containers/json": list,
  "POST /containers/create": ({ body, query, state }) =>
    Effect.map(createContainer(state, query.text("name"), body), ({ id }) =>
      jsonResponse(201, { Id: id, Warnings: [] })
    ),
  "POST /containers/prune": prune,
  "GET /containers/{id}/json": (call) =>
    Effect.map(targetContainer(call), (container) => jsonResponse(200, containerView(call.state, container))),
  "POST /containers/{id}/rename": rename,
  "POST /containers/{id}/update": update,
  "GET /containers/{id}/top": top,
  "GET /containers/{id}/changes": (call) =>
    Effect.map(targetContainer(call), (container) => {
      const changes = containerChanges(container).map(({ Kind, Path }) => ({ Path, Kind }))
      return jsonResponse(200, changes.length === 0 ? null : changes)
    })
}
