import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import { isIPv4 } from "node:net"
import { nextFreeAddress } from "../state/ipam.js"
import { LogWriter } from "../state/containerLog.js"
import type { ContainerRun, EngineState, MemoryContainer, MemoryNetwork, PublishedPort } from "../state/engineState.js"
import { newId } from "../state/engineState.js"
import { ensureDirectory, lookUp } from "../state/fileTree.js"
import { logLimits } from "./logDriver.js"
import { Process } from "../programs/process.js"
import { commandNotFound } from "../programs/resolveProgram.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { signalNumber } from "../programs/signals.js"

const firstBackoff = 100
const longestBackoff = 60_000
/** A run of this length counts as a success for the next wait. */
const goodRunNanos = 10_000_000_000n

const firstFreePort = 32_768

/** Says what has happened to a container. */
export const said = (
  state: EngineState,
  container: MemoryContainer,
  action: string,
  more: Readonly<Record<string, string>> = {}
): Effect.Effect<void> =>
  state.journal.publish("container", action, container.id, { ...state.attributes(container), ...more })

const saidOnNetwork = (state: EngineState, network: MemoryNetwork, action: string, container: MemoryContainer) =>
  state.journal.publish("network", action, network.id, {
    container: container.id,
    name: network.name,
    type: network.driver
  })

/** Whether it has a process. */
export const isRunning = ({ run }: MemoryContainer): boolean => run !== undefined && run.logEnd === undefined

/** Fails where the container doesn't run. */
export const requireRunning = (container: MemoryContainer): Effect.Effect<ContainerRun, ErrorResponse> =>
  container.run === undefined || !isRunning(container)
    ? errorResponse(409, `container ${container.id} is not running`)
    : Effect.succeed(container.run)

const takePorts = (state: EngineState, container: MemoryContainer): ReadonlyArray<PublishedPort> | string => {
  const taken = [...state.containers.values()].flatMap((other) => (isRunning(other) ? other.ports : []))
  const ports: Array<PublishedPort> = []
  const isTaken = (key: string, ip: string, hostPort: number) =>
    [...taken, ...ports].some(
      (port) =>
        port.hostPort === hostPort &&
        port.key.split("/")[1] === key.split("/")[1] &&
        (port.hostIp === ip ||
          (isIPv4(ip) && isIPv4(port.hostIp) && (ip === "0.0.0.0" || port.hostIp === "0.0.0.0")) ||
          (!isIPv4(ip) && !isIPv4(port.hostIp) && (ip === "::" || port.hostIp === "::")))
    )
  for (const { hostIp, hostPort, key } of container.settings.ports) {
    const ips = hostIp === "" ? ["0.0.0.0", "::"] : [hostIp]
    const chosen = hostPort !== "" && hostPort !== "0"
    let port = chosen ? Number(hostPort) : firstFreePort
    while (!chosen && ips.some((ip) => isTaken(key, ip, port))) port++
    for (const ip of ips) {
      if (isTaken(key, ip, port)) return `Bind for ${ip}:${port} failed: port is already allocated`
      ports.push({ key, hostIp: ip, hostPort: port })
    }
  }
  return ports
}

/** Puts a container that runs, or is about to, on a network. */
export const join = (state: EngineState, container: MemoryContainer, network: MemoryNetwork): Effect.Effect<void> =>
  Effect.suspend(() => {
    const endpoint = container.endpoints.get(network.id)
    if (endpoint === undefined) return Effect.void
    const bits = network.subnets[0]?.Subnet.split("/")[1]
    endpoint.address =
      endpoint.requestedAddress === undefined ? nextFreeAddress(state, network) : `${endpoint.requestedAddress}/${bits}`
    return saidOnNetwork(state, network, "connect", container)
  })

/** Takes a container off a network, which it stays to be on when it is started again. */
export const part = (state: EngineState, container: MemoryContainer, network: MemoryNetwork): Effect.Effect<void> =>
  Effect.suspend(() => {
    const endpoint = container.endpoints.get(network.id)
    if (endpoint !== undefined) endpoint.address = ""
    return saidOnNetwork(state, network, "disconnect", container)
  })

const networksOf = (state: EngineState, container: MemoryContainer): ReadonlyArray<MemoryNetwork> =>
  [...container.endpoints.keys()].flatMap((id) => state.networks.get(id) ?? [])

const volumesOf = (container: MemoryContainer) => container.mounts.filter(({ type }) => type === "volume")

/** The words of the process. */
export const commandLine = ({ image, settings }: MemoryContainer): ReadonlyArray<string> => [
  ...(settings.entrypoint ?? []),
  ...(settings.command ?? (settings.entrypoint === undefined ? image.command : []))
]

/** `NAME=value` each, as a record. */
export const parseEnvironment = (entries: ReadonlyArray<string>): Record<string, string> => {
  const record: Record<string, string> = {}
  for (const entry of entries) {
    const at = entry.indexOf("=")
    record[at < 0 ? entry : entry.slice(0, at)] = at < 0 ? "" : entry.slice(at + 1)
  }
  return record
}

/** What the container's processes have in their environment. */
export const processEnvironment = (container: MemoryContainer): Record<string, string> => ({
  PATH: "/bin",
  HOSTNAME: hostnameOf(container),
  ...parseEnvironment(container.settings.env),
  HOME: "/root"
})

/** How its programs read its files. */
export const fileReader =
  ({ files }: MemoryContainer) =>
  (path: string): Uint8Array | undefined => {
    const found = lookUp(files, path, true)
    return typeof found !== "string" && found.node.kind === "file" ? found.node.content : undefined
  }

/** The name by which the container knows itself. */
export const hostnameOf = ({ id, settings }: MemoryContainer): string =>
  settings.hostname === "" ? id.slice(0, 12) : settings.hostname

/** Starts it. Says whether it did: one that runs already is left alone. */
export const startContainer = (state: EngineState, container: MemoryContainer): Effect.Effect<boolean, ErrorResponse> =>
  Effect.gen(function* () {
    if (container.status === "paused")
      return yield* errorResponse(409, "cannot start a paused container, try unpause instead")
    if (container.status === "removing") {
      return yield* errorResponse(409, "container is marked for removal and cannot be started")
    }
    if (isRunning(container)) return false
    const waiting = container.restarting
    container.restarting = undefined
    if (waiting !== undefined) yield* Fiber.interruptFork(waiting)
    container.stopped = false
    const fail = (status: number, message: string, exitCode: number) => {
      container.exitCode = exitCode
      container.error = message
      if (container.status === "restarting") container.status = "exited"
      return errorResponse(status, message)
    }
    for (const id of container.endpoints.keys()) {
      if (!state.networks.has(id)) return yield* fail(404, `network ${id} not found`, 128)
    }
    const ports = takePorts(state, container)
    if (typeof ports === "string") {
      const words = `driver failed programming external connectivity on endpoint ${container.name} (${newId()}): ${ports}`
      return yield* fail(500, words, 128)
    }
    const { image, logDriver, openStdin, tty } = container.settings
    const limits = logLimits(container.settings)
    if (Either.isLeft(limits)) {
      const words = `failed to create task for container: failed to initialize logging driver: ${limits.left}`
      return yield* fail(500, words, 128)
    }
    const writers = [
      new LogWriter(container.log, "stdout", logDriver === "json-file"),
      new LogWriter(container.log, "stderr", logDriver === "json-file")
    ] as const
    const command = commandLine(container)
    const environment = processEnvironment(container)
    const process = yield* Process.start(
      { image, command, environment, tty, readFile: fileReader(container), exec: false, openStdin },
      state,
      (stream, bytes, now) => {
        if (logDriver !== "none") writers[stream === "stdout" ? 0 : 1].write(bytes, now)
      },
      (process, exitCode) => ended(state, container, process, exitCode)
    )
    if (process === undefined) {
      const words = `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ${commandNotFound(command)}`
      return yield* fail(400, words, 127)
    }
    for (const connect of container.attaching) connect(process)
    container.attaching.clear()
    const now = yield* state.clock.now
    for (const { target, type } of container.mounts) if (type === "tmpfs") ensureDirectory(container.files, target, now)
    container.ports = ports
    container.run = { process, writers, startedAt: yield* state.clock.now }
    container.startedAt = container.run.startedAt
    container.status = "running"
    container.exitCode = 0
    container.error = ""
    if (container.settings.healthCheck) container.health = "starting"
    for (const network of networksOf(state, container)) yield* join(state, container, network)
    for (const { name = "", target, writable } of volumesOf(container)) {
      const attributes = {
        container: container.id,
        destination: target,
        driver: "local",
        propagation: "",
        "read/write": String(writable)
      }
      yield* state.journal.publish("volume", "mount", name, attributes)
    }
    yield* said(state, container, "start")
    container.changed.notifyAll()
    return true
  })

const shouldRestart = ({ exitCode, restart, restartCount, stopped }: MemoryContainer): boolean =>
  !stopped &&
  (restart.name === "always" ||
    restart.name === "unless-stopped" ||
    (restart.name === "on-failure" &&
      exitCode !== 0 &&
      (restart.maximumRetryCount === 0 || restartCount < restart.maximumRetryCount)))

/** What comes of the end of the container's process. */
const ended = (
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
    for (const network of networksOf(state, container)) yield* part(state, container, network)
    for (const { name = "" } of volumesOf(container)) {
      yield* state.journal.publish("volume", "unmount", name, { container: container.id, driver: "local" })
    }
    if (container.stopping) yield* said(state, container, "stop")
    const lasted = container.finishedAt - run.startedAt
    yield* said(state, container, "die", {
      execDuration: String(lasted / 1_000_000_000n),
      exitCode: String(exitCode)
    })
    container.changed.notifyAll()
    if (restarts) {
      container.backoff = lasted >= goodRunNanos ? firstBackoff : Math.min(longestBackoff, container.backoff * 2)
      container.restarting = yield* Effect.sleep(Duration.millis(container.backoff)).pipe(
        Effect.zipRight(
          Effect.sync(() => {
            container.restartCount++
            container.restarting = undefined
          })
        ),
        Effect.zipRight(Effect.ignore(startContainer(state, container))),
        Effect.forkIn(state.scope)
      )
    } else if (container.settings.autoRemove && !container.removed) yield* destroy(state, container, true)
  })

const endedRun = (container: MemoryContainer): Effect.Effect<void> =>
  Effect.suspend(() => container.run?.process.awaitExit ?? Effect.void)

/** Sends a signal, which also means that the container isn't restarted when it ends. */
export const signalContainer = (
  state: EngineState,
  container: MemoryContainer,
  { process }: ContainerRun,
  signal: string
): Effect.Effect<void> =>
  Effect.gen(function* () {
    container.stopped = true
    yield* said(state, container, "kill", { signal: String(signalNumber(signal)) })
    // A frozen process gets the last signal only.
    if (container.status === "paused" && signal !== "SIGKILL") return
    if (process.signal(signal) && signal === "SIGKILL") yield* process.awaitExit
  })

/** Stops it, and kills it after so many seconds; for ever none where they are negative. Says whether it ran. */
export const stopContainer = (
  state: EngineState,
  container: MemoryContainer,
  seconds: number | undefined
): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const { restarting, run } = container
    container.stopped = true
    if (restarting !== undefined) {
      container.restarting = undefined
      container.status = "exited"
      yield* Fiber.interruptFork(restarting)
      container.changed.notifyAll()
      return true
    }
    if (run === undefined || !isRunning(container)) return false
    container.stopping = true
    const limit = seconds ?? container.settings.stopTimeout
    yield* signalContainer(state, container, run, container.settings.stopSignal)
    if (limit !== 0) {
      const wait = limit < 0 ? Duration.infinity : Duration.seconds(limit)
      yield* Effect.timeoutOption(run.process.awaitExit, wait)
    }
    if (isRunning(container)) yield* signalContainer(state, container, run, "SIGKILL")
    yield* endedRun(container)
    container.stopping = false
    return true
  })

/** Stops it if it runs, and starts it. */
export const restartContainer = (
  state: EngineState,
  container: MemoryContainer,
  seconds: number | undefined
): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    yield* stopContainer(state, container, seconds)
    yield* startContainer(state, container)
    yield* said(state, container, "restart")
  })

const destroy = (state: EngineState, container: MemoryContainer, volumes: boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    container.status = "removing"
    container.removed = true
    state.containers.delete(container.id)
    for (const [id, exec] of state.execs) if (exec.container === container) state.execs.delete(id)
    yield* said(state, container, "destroy")
    if (volumes) {
      for (const { anonymous, name = "" } of volumesOf(container)) {
        if (!anonymous || state.users(name).length > 0 || !state.volumes.delete(name)) continue
        yield* state.journal.publish("volume", "destroy", name, { driver: "local" })
      }
    }
    container.log.changed.notifyAll()
    container.changed.notifyAll()
  })

/** Removes it: one that runs with `force` only. */
export const removeContainer = (
  state: EngineState,
  container: MemoryContainer,
  { force, volumes }: { readonly force: boolean; readonly volumes: boolean }
): Effect.Effect<void, ErrorResponse> =>
  Effect.gen(function* () {
    const refuse = (state: string, advice: string) =>
      errorResponse(409, `cannot remove container "/${container.name}": container is ${state}${advice}`)
    if (!force && container.status === "paused") return yield* refuse("paused", " and must be unpaused first")
    if (!force && (isRunning(container) || container.status === "restarting")) {
      return yield* refuse(container.status, ": stop the container before removing or force remove")
    }
    const { restarting, run } = container
    container.restarting = undefined
    if (restarting !== undefined) yield* Fiber.interruptFork(restarting)
    if (run !== undefined && isRunning(container)) {
      yield* signalContainer(state, container, run, "SIGKILL")
      yield* endedRun(container)
    }
    if (!container.removed) yield* destroy(state, container, volumes)
  })
