import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Process } from "../programs/process.js"
import { commandNotFound } from "../programs/resolveProgram.js"
import { LogWriter } from "../state/logs/containerLog.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { ensureDirectory } from "../state/fileTree.js"
import { type ContainerRun, isRunning, type MemoryContainer } from "../state/memoryContainer.js"
import { newId } from "../state/objectId.js"
import { volumeMounts } from "./containerMounts.js"
import { allocatePorts, connectedNetworks, connectEndpoint, disconnectEndpoint } from "./containerNetworking.js"
import { logLimits } from "./logDriver.js"
import { commandLine, fileReader, processEnvironment } from "./processConfig.js"
import { destroyContainer } from "./removeContainer.js"
import { cancelRestart, stopContainer } from "./stopContainer.js"

const firstRestartDelay = 100
const maxRestartDelay = 60_000
/** After a run of this length, the restart delay starts over. */
const stableRunNanos = 10_000_000_000n

/** Starts a container. Returns `false` if it is running already. */
export const startContainer = (state: EngineState, container: MemoryContainer): Effect.Effect<boolean, ErrorResponse> =>
  Effect.gen(function* () {
    if (container.status === "paused")
      return yield* errorResponse(409, "cannot start a paused container, try unpause instead")
    if (container.status === "removing") {
      return yield* errorResponse(409, "container is marked for removal and cannot be started")
    }
    if (isRunning(container)) return false
    yield* cancelRestart(container)
    container.manuallyStopped = false
    const fail = (status: number, message: string, exitCode: number) => {
      container.exitCode = exitCode
      container.error = message
      if (container.status === "restarting") container.status = "exited"
      return errorResponse(status, message)
    }
    for (const id of container.endpoints.keys()) {
      if (!state.networks.has(id)) return yield* fail(404, `network ${id} not found`, 128)
    }
    const ports = allocatePorts(state, container)
    if (Either.isLeft(ports)) {
      const message = `driver failed programming external connectivity on endpoint ${container.name} (${newId()}): ${ports.left}`
      return yield* fail(500, message, 128)
    }
    const limits = logLimits(container.settings)
    if (Either.isLeft(limits)) {
      const message = `failed to create task for container: failed to initialize logging driver: ${limits.left}`
      return yield* fail(500, message, 128)
    }
    const started = yield* startProcess(state, container)
    if (started === undefined) {
      const message = `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ${commandNotFound(commandLine(container))}`
      return yield* fail(400, message, 127)
    }
    for (const attach of container.pendingAttachments) attach(started.process)
    container.pendingAttachments.clear()
    const now = yield* state.clock.now
    for (const { target, type } of container.mounts) if (type === "tmpfs") ensureDirectory(container.files, target, now)
    for (const target of container.settings.tmpfs) ensureDirectory(container.files, target, now)
    container.ports = ports.right
    container.run = { ...started, startedAt: yield* state.clock.now }
    container.startedAt = container.run.startedAt
    container.status = "running"
    container.exitCode = 0
    container.error = ""
    if (container.settings.healthCheck) container.health = "starting"
    yield* emitStarted(state, container)
    container.changed.notifyAll()
    return true
  })

/** Starts the container's process, which writes to its log. `undefined` if there is no program for its command. */
const startProcess = (
  state: EngineState,
  container: MemoryContainer
): Effect.Effect<Pick<ContainerRun, "process" | "writers"> | undefined> => {
  const { image, logDriver, openStdin, tty } = container.settings
  const writers = {
    stdout: new LogWriter(container.log, "stdout", logDriver === "json-file"),
    stderr: new LogWriter(container.log, "stderr", logDriver === "json-file")
  }
  const options = {
    image,
    command: commandLine(container),
    environment: processEnvironment(container),
    tty,
    readFile: fileReader(container),
    exec: false,
    openStdin
  }
  return Effect.map(
    Process.start(
      options,
      state,
      (stream, bytes, now) => {
        if (logDriver !== "none") writers[stream].write(bytes, now)
      },
      (process, exitCode) => handleExit(state, container, process, exitCode)
    ),
    (process) => (process === undefined ? undefined : { process, writers: [writers.stdout, writers.stderr] })
  )
}

/** Connects a started container to its networks, and emits the events of a start. */
const emitStarted = (state: EngineState, container: MemoryContainer): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const network of connectedNetworks(state, container)) yield* connectEndpoint(state, container, network)
    for (const { name = "", target, writable } of volumeMounts(container)) {
      const attributes = {
        container: container.id,
        destination: target,
        driver: "local",
        propagation: "",
        "read/write": String(writable)
      }
      yield* state.journal.publish("volume", "mount", name, attributes)
    }
    yield* state.emitContainerEvent(container, "start")
  })

const shouldRestart = ({ exitCode, manuallyStopped, restart, restartCount }: MemoryContainer): boolean =>
  !manuallyStopped &&
  (restart.name === "always" ||
    restart.name === "unless-stopped" ||
    (restart.name === "on-failure" &&
      exitCode !== 0 &&
      (restart.maximumRetryCount === 0 || restartCount < restart.maximumRetryCount)))

/** Updates a container whose process has exited, emits the events, and restarts or removes it if it asks for that. */
const handleExit = (
  state: EngineState,
  container: MemoryContainer,
  process: Process,
  exitCode: number
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { run } = container
    if (run === undefined || run.process !== process) return
    const clock = yield* Effect.clock
    for (const writer of run.writers) writer.end(() => state.clock.unsafeNow(clock))
    for (const exec of state.execs.values()) {
      if (exec.container === container && exec.process !== undefined) exec.process.kill(137)
    }
    run.logEnd = container.log.end
    container.ports = []
    container.exitCode = exitCode
    container.finishedAt = yield* state.clock.now
    const restarts = shouldRestart(container)
    container.status = restarts ? "restarting" : "exited"
    if (container.health !== undefined) container.health = "unhealthy"
    container.exitCount++
    container.log.changed.notifyAll()
    const duration = container.finishedAt - run.startedAt
    yield* emitExited(state, container, exitCode, duration)
    container.changed.notifyAll()
    if (restarts) yield* scheduleRestart(state, container, duration)
    else if (container.settings.autoRemove && !container.removed) {
      yield* destroyContainer(state, container, { volumes: true })
    }
  })

/** Disconnects an exited container from its networks, and emits the events of an exit. */
const emitExited = (
  state: EngineState,
  container: MemoryContainer,
  exitCode: number,
  runNanos: bigint
): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const network of connectedNetworks(state, container)) yield* disconnectEndpoint(state, container, network)
    for (const { name = "" } of volumeMounts(container)) {
      yield* state.journal.publish("volume", "unmount", name, { container: container.id, driver: "local" })
    }
    if (container.stopping) yield* state.emitContainerEvent(container, "stop")
    yield* state.emitContainerEvent(container, "die", {
      execDuration: String(runNanos / 1_000_000_000n),
      exitCode: String(exitCode)
    })
  })

/** Restarts a container after a delay that doubles each time. */
const scheduleRestart = (state: EngineState, container: MemoryContainer, runNanos: bigint): Effect.Effect<void> =>
  Effect.gen(function* () {
    container.restartDelay =
      runNanos >= stableRunNanos ? firstRestartDelay : Math.min(maxRestartDelay, container.restartDelay * 2)
    container.pendingRestart = yield* Effect.sleep(Duration.millis(container.restartDelay)).pipe(
      Effect.zipRight(
        Effect.sync(() => {
          container.restartCount++
          container.pendingRestart = undefined
        })
      ),
      Effect.zipRight(Effect.ignore(startContainer(state, container))),
      Effect.forkIn(state.scope)
    )
  })

/** Stops a container if it is running, and starts it. */
export const restartContainer = (
  state: EngineState,
  container: MemoryContainer,
  seconds: number | undefined,
  signal: string | undefined
): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    yield* stopContainer(state, container, seconds, signal)
    yield* startContainer(state, container)
    yield* state.emitContainerEvent(container, "restart")
  })
