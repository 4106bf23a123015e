import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { nullable } from "../../internal/api/decode.js"
import { type Call, targetContainer, found, readBody, type Routes, jsonResponse } from "../calls/response.js"
import { checkMemory, checkName, checkRestart, createContainer } from "../containers/createContainer.js"
import {
  commandLine,
  requireRunning,
  isRunning,
  removeContainer,
  restartContainer,
  said,
  signalContainer,
  startContainer,
  stopContainer
} from "../containers/startContainer.js"
import { RestartPolicy } from "../calls/containerConfig.js"
import { containerChanges, containerView, summaryView, writtenBytes } from "../containers/containerView.js"
import { type EngineState, type MemoryContainer } from "../state/engineState.js"
import { withDefaultTag } from "../programs/imageReference.js"
import type { Filters } from "../calls/query.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { signalName } from "../programs/signals.js"

const listFilters = [
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

/** Which containers the filters mean. */
const selected = (state: EngineState, filters: Filters): Effect.Effect<ReadonlyArray<MemoryContainer>, ErrorResponse> =>
  Effect.gen(function* () {
    const status = filters.get("status").find((value) => !statuses.includes(value))
    if (status !== undefined) return yield* errorResponse(400, `invalid filter 'status=${status}'`)
    const createdAt = (key: string) =>
      Effect.forEach(filters.get(key), (id) => Effect.map(found(state.container(id)), ({ created }) => created))
    const before = yield* createdAt("before")
    const since = yield* createdAt("since")
    const port = (value: string, key: string, hostPort: string) =>
      value.includes("/") ? value === key || value === hostPort : [key.split("/")[0], hostPort].includes(value)
    return [...state.containers.values()].filter(
      (container) =>
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
        filters.any("volume", (value) =>
          container.mounts.some(({ name, target }) => name === value || target === value)
        ) &&
        filters.any("publish", (value) =>
          container.ports.some(({ hostPort, key }) => port(value, key, String(hostPort)))
        ) &&
        filters.any("expose", (value) => container.settings.ports.some(({ key }) => port(value, key, ""))) &&
        filters.any("is-task", (value) => value === "false") &&
        before.every((moment) => container.created < moment) &&
        since.every((moment) => container.created > moment)
    )
  })

const UpdateBody = Schema.Struct({ Memory: Schema.optional(Schema.Number), RestartPolicy: nullable(RestartPolicy) })

/** The engine goes on with what it has begun, also when nobody waits for the answer any more. */
const unharmed = <A, E>({ state }: Call, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.forkIn(effect, state.scope), Fiber.join)

const stopSeconds = ({ query }: Call) => query.integer("t")

const wait = (container: MemoryContainer, condition: string): Effect.Effect<void, ErrorResponse> => {
  switch (condition) {
    case "":
    case "not-running":
      return container.changed.waitUntil(() => container.removed || !isRunning(container))
    case "next-exit": {
      const { exitCount } = container
      return container.changed.waitUntil(() => container.removed || container.exitCount > exitCount)
    }
    case "removed":
      return container.changed.waitUntil(() => container.removed)
    default:
      return errorResponse(400, `invalid condition: "${condition}"`)
  }
}

const clockText = (nanos: bigint) => new Date(Number(nanos / 1_000_000n)).toISOString().slice(11, 16)

/** What `/containers` asks for, but for logs, figures, attaching and commands. */
export const containerRoutes: Routes = {
  "GET /containers/json": ({ query, state }) =>
    Effect.gen(function* () {
      const limit = yield* query.integer("limit", 500)
      const filters = yield* query.filters(listFilters)
      const all =
        query.flag("all") || (limit ?? 0) > 0 || filters.get("status").length > 0 || filters.get("exited").length > 0
      const containers = (yield* selected(state, filters)).filter(
        (container) => all || isRunning(container) || container.status === "restarting"
      )
      const newest = [...containers].reverse()
      const now = yield* state.clock.now
      const shown = limit !== undefined && limit > 0 ? newest.slice(0, limit) : newest
      return jsonResponse(
        200,
        shown.map((container) => summaryView(state, container, now))
      )
    }),
  "POST /containers/create": ({ body, query, state }) =>
    Effect.map(createContainer(state, query.text("name"), body), ({ id }) =>
      jsonResponse(201, { Id: id, Warnings: [] })
    ),
  "POST /containers/prune": ({ query, state }) =>
    Effect.gen(function* () {
      const filters = yield* query.filters(["label", "label!", "until"])
      const until = yield* filters.until(yield* state.clock.now)
      const deleted: Array<string> = []
      let reclaimed = 0
      for (const container of state.containers.values()) {
        const { created, id, settings, status } = container
        if (until !== undefined && created > until) continue
        if (status !== "created" && status !== "exited") continue
        if (!filters.labels(settings.labels) || !filters.unlabelled(settings.labels)) continue
        yield* removeContainer(state, container, { force: false, volumes: false })
        deleted.push(id)
        reclaimed += writtenBytes(container)
      }
      yield* state.journal.publish("container", "prune", "", { reclaimed: String(reclaimed) })
      return jsonResponse(200, { ContainersDeleted: deleted, SpaceReclaimed: reclaimed })
    }),
  "GET /containers/{id}/json": (call) =>
    Effect.map(targetContainer(call), (container) => jsonResponse(200, containerView(call.state, container))),
  "POST /containers/{id}/start": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      return jsonResponse((yield* unharmed(call, startContainer(call.state, container))) ? 204 : 304)
    }),
  "POST /containers/{id}/stop": (call) =>
    Effect.gen(function* () {
      const seconds = yield* stopSeconds(call)
      const container = yield* targetContainer(call)
      return jsonResponse((yield* unharmed(call, stopContainer(call.state, container, seconds))) ? 204 : 304)
    }),
  "POST /containers/{id}/restart": (call) =>
    Effect.gen(function* () {
      const seconds = yield* stopSeconds(call)
      const container = yield* targetContainer(call)
      yield* unharmed(call, restartContainer(call.state, container, seconds))
      return jsonResponse(204)
    }),
  "POST /containers/{id}/kill": (call) =>
    Effect.gen(function* () {
      const prefix = ({ message, status }: ErrorResponse) =>
        errorResponse(status, `cannot kill container: ${call.parameter}: ${message}`)
      const container = yield* Effect.mapError(targetContainer(call), prefix)
      const asked = call.query.text("signal") ?? "SIGKILL"
      const signal = signalName(asked === "" ? "SIGKILL" : asked)
      if (signal === undefined) return yield* prefix(errorResponse(400, `invalid signal: ${asked}`))
      const run = yield* Effect.mapError(requireRunning(container), prefix)
      yield* signalContainer(call.state, container, run, signal)
      return jsonResponse(204)
    }),
  "POST /containers/{id}/pause": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const { process } = yield* requireRunning(container)
      if (container.status === "paused") {
        return yield* errorResponse(409, `Container ${container.id} is already paused`)
      }
      container.status = "paused"
      process.paused = true
      yield* said(call.state, container, "pause")
      return jsonResponse(204)
    }),
  "POST /containers/{id}/unpause": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const { run } = container
      if (run === undefined || container.status !== "paused") {
        return yield* errorResponse(500, `Container ${container.id} is not paused`)
      }
      container.status = "running"
      run.process.paused = false
      yield* said(call.state, container, "unpause")
      return jsonResponse(204)
    }),
  "POST /containers/{id}/rename": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const name = (call.query.text("name") ?? "").replace(/^\//, "")
      if (name === "") return yield* errorResponse(400, "Neither old nor new names may be empty")
      if (name === container.name) {
        return yield* errorResponse(400, "Renaming a container with the same name as its current name")
      }
      yield* Effect.mapError(checkName(call.state, name, `/${name}`), ({ message, status }) =>
        errorResponse(status, `Error when allocating new name: ${message}`)
      )
      const oldName = `/${container.name}`
      container.name = name
      yield* said(call.state, container, "rename", { oldName })
      return jsonResponse(204)
    }),
  "POST /containers/{id}/wait": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      yield* wait(container, call.query.text("condition") ?? "")
      return jsonResponse(200, { StatusCode: container.exitCode })
    }),
  "POST /containers/{id}/update": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const { Memory = 0, RestartPolicy: policy } = yield* readBody(UpdateBody)(call)
      yield* checkMemory(Memory)
      if (policy?.Name !== undefined && policy.Name !== "") {
        const restart = { name: policy.Name, maximumRetryCount: policy.MaximumRetryCount ?? 0 }
        yield* checkRestart(restart)
        if (container.settings.autoRemove && restart.name !== "no") {
          return yield* errorResponse(
            400,
            "Restart policy cannot be updated because AutoRemove is enabled for the container"
          )
        }
        container.restart = restart
      }
      const limits = typeof call.body === "object" && call.body !== null ? { ...call.body } : {}
      container.hostConfig = { ...container.hostConfig, ...limits }
      yield* said(call.state, container, "update")
      return jsonResponse(200, { Warnings: null })
    }),
  "POST /containers/{id}/resize": (call) =>
    Effect.gen(function* () {
      const height = yield* call.query.integer("h")
      const width = yield* call.query.integer("w")
      const container = yield* targetContainer(call)
      yield* requireRunning(container)
      yield* said(call.state, container, "resize", { height: String(height), width: String(width) })
      return jsonResponse(200)
    }),
  "GET /containers/{id}/top": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const { process, startedAt } = yield* requireRunning(container)
      const args = call.query.text("ps_args") ?? "-ef"
      if (!/^-?[a-zA-Z]+$/.test(args)) return yield* errorResponse(500, `ps: error: unsupported option: ${args}`)
      const inside = [...call.state.execs.values()].flatMap((exec) =>
        exec.container === container && exec.process !== undefined && exec.exitCode === undefined
          ? [[exec.process.pid, exec.command] as const]
          : []
      )
      const rows = [[process.pid, commandLine(container)] as const, ...inside].map(([pid, command]) => [
        "root",
        String(pid),
        "1",
        "0",
        clockText(startedAt),
        "?",
        "00:00:00",
        command.join(" ")
      ])
      yield* said(call.state, container, "top")
      return jsonResponse(200, { Processes: rows, Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"] })
    }),
  "GET /containers/{id}/changes": (call) =>
    Effect.map(targetContainer(call), (container) => {
      const changes = containerChanges(container).map(({ Kind, Path }) => ({ Path, Kind }))
      return jsonResponse(200, changes.length === 0 ? null : changes)
    }),
  "DELETE /containers/{id}": (call) =>
    Effect.gen(function* () {
      const container = yield* targetContainer(call)
      const { query } = call
      const options = { force: query.flag("force"), volumes: query.flag("v") }
      yield* unharmed(call, removeContainer(call.state, container, options))
      return jsonResponse(204)
    })
}
