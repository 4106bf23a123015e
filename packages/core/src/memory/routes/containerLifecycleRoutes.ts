import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type Call, type Routes, targetContainer } from "../calls/call.js"
import { jsonResponse } from "../calls/response.js"
import { removeContainer } from "../containers/removeContainer.js"
import { restartContainer, startContainer } from "../containers/startContainer.js"
import { signalContainer, stopContainer } from "../containers/stopContainer.js"
import { signalName } from "../programs/signals.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { isRunning, type MemoryContainer, requireRunning } from "../state/memoryContainer.js"

/** Runs an effect to its end even if the client disconnects, as the engine does. */
const detached = <A, E>({ state }: Call, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.forkIn(effect, state.scope), Fiber.join)

const start = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    return jsonResponse((yield* detached(call, startContainer(call.state, container))) ? 204 : 304)
  })

/** The signal of a stop or restart. The engine ignores an invalid one if the container is not running. */
const stopSignal = ({ parameter, query }: Call, container: MemoryContainer, action: string) =>
  Effect.suspend(() => {
    const requested = query.text("signal") ?? ""
    const signal = requested === "" || !isRunning(container) ? undefined : signalName(requested)
    return requested !== "" && isRunning(container) && signal === undefined
      ? Effect.fail(errorResponse(500, `${action} ${parameter}: invalid signal: ${requested}`))
      : Effect.succeed(signal)
  })

const stop = (call: Call) =>
  Effect.gen(function* () {
    const seconds = yield* call.query.integer("t")
    const container = yield* targetContainer(call)
    const signal = yield* stopSignal(call, container, "cannot stop container:")
    return jsonResponse((yield* detached(call, stopContainer(call.state, container, seconds, signal))) ? 204 : 304)
  })

const restart = (call: Call) =>
  Effect.gen(function* () {
    const seconds = yield* call.query.integer("t")
    const container = yield* targetContainer(call)
    const signal = yield* stopSignal(call, container, "Cannot restart container")
    yield* detached(call, restartContainer(call.state, container, seconds, signal))
    return jsonResponse(204)
  })

const kill = (call: Call) =>
  Effect.gen(function* () {
    const cannotKill = ({ message, status }: ErrorResponse) =>
      errorResponse(status, `cannot kill container: ${call.parameter}: ${message}`)
    const container = yield* Effect.mapError(targetContainer(call), cannotKill)
    const requested = call.query.text("signal") ?? ""
    const signal = requested === "" ? "SIGKILL" : signalName(requested)
    if (signal === undefined) return yield* cannotKill(errorResponse(400, `invalid signal: ${requested}`))
    const run = yield* Effect.mapError(requireRunning(container), cannotKill)
    yield* signalContainer(call.state, container, run, signal)
    return jsonResponse(204)
  })

const pause = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const { process } = yield* requireRunning(container)
    if (container.status === "paused") {
      return yield* errorResponse(409, `Container ${container.id} is already paused`)
    }
    container.status = "paused"
    process.paused = true
    yield* call.state.emitContainerEvent(container, "pause")
    return jsonResponse(204)
  })

const unpause = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const { run } = container
    if (run === undefined || container.status !== "paused") {
      return yield* errorResponse(500, `Container ${container.id} is not paused`)
    }
    container.status = "running"
    run.process.paused = false
    yield* call.state.emitContainerEvent(container, "unpause")
    return jsonResponse(204)
  })

/** Waits until a container satisfies the condition of a wait request. */
const waitFor = (container: MemoryContainer, condition: string): Effect.Effect<void, ErrorResponse> => {
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

const wait = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    yield* waitFor(container, call.query.text("condition") ?? "")
    return jsonResponse(200, { StatusCode: container.exitCode })
  })

const resize = (call: Call) =>
  Effect.gen(function* () {
    const height = yield* call.query.integer("h")
    const width = yield* call.query.integer("w")
    const container = yield* targetContainer(call)
    yield* requireRunning(container)
    yield* call.state.emitContainerEvent(container, "resize", { height: String(height), width: String(width) })
    return jsonResponse(200)
  })

const remove = (call: Call) =>
  Effect.gen(function* () {
    const container = yield* targetContainer(call)
    const options = { force: call.query.flag("force"), volumes: call.query.flag("v") }
    yield* detached(call, removeContainer(call.state, container, options))
    return jsonResponse(204)
  })

/** The routes that start, stop and remove containers, or act on running ones. */
export const containerLifecycleRoutes: Routes = {
  "POST /containers/{id}/start": start,
  "POST /containers/{id}/stop": stop,
  "POST /containers/{id}/restart": restart,
  "POST /containers/{id}/kill": kill,
  "POST /containers/{id}/pause": pause,
  "POST /containers/{id}/unpause": unpause,
  "POST /containers/{id}/wait": wait,
  "POST /containers/{id}/resize": resize,
  "DELETE /containers/{id}": remove
}
