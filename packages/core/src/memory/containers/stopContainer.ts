import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { signalNumber } from "../programs/signals.js"
import type { EngineState } from "../state/engineState.js"
import { type ContainerRun, isRunning, type MemoryContainer } from "../state/memoryContainer.js"

/** Sends a signal to a running container. It will not be restarted when it exits. */
export const signalContainer = (
  state: EngineState,
  container: MemoryContainer,
  { process }: ContainerRun,
  signal: string
): Effect.Effect<void> =>
  Effect.gen(function* () {
    container.manuallyStopped = true
    yield* state.emitContainerEvent(container, "kill", { signal: String(signalNumber(signal)) })
    // Only SIGKILL reaches a frozen process.
    if (container.status === "paused" && signal !== "SIGKILL") return
    if (process.signal(signal) && signal === "SIGKILL") yield* process.awaitExit
  })

/** Kills a container if it is running, and waits for it to exit. */
export const killContainer = (state: EngineState, container: MemoryContainer): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { run } = container
    if (run === undefined || !isRunning(container)) return
    yield* signalContainer(state, container, run, "SIGKILL")
    yield* run.process.awaitExit
  })

/** Cancels an automatic restart that has not happened yet. Returns whether there was one. */
export const cancelRestart = (container: MemoryContainer): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const { pendingRestart } = container
    container.pendingRestart = undefined
    return pendingRestart === undefined ? Effect.succeed(false) : Effect.as(Fiber.interruptFork(pendingRestart), true)
  })

/**
 * Stops a container: sends its stop signal or another one, and SIGKILL after `seconds` (default: the container's own timeout; never if
 * negative). Returns whether it was running.
 */
export const stopContainer = (
  state: EngineState,
  container: MemoryContainer,
  seconds: number | undefined,
  signal: string = container.settings.stopSignal
): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    container.manuallyStopped = true
    if (yield* cancelRestart(container)) {
      container.status = "exited"
      container.changed.notifyAll()
      return true
    }
    const { run } = container
    if (run === undefined || !isRunning(container)) return false
    container.stopping = true
    const timeout = seconds ?? container.settings.stopTimeout
    yield* signalContainer(state, container, run, signal)
    if (timeout !== 0) {
      const wait = timeout < 0 ? Duration.infinity : Duration.seconds(timeout)
      yield* Effect.timeoutOption(run.process.awaitExit, wait)
    }
    if (run.logEnd === undefined) yield* signalContainer(state, container, run, "SIGKILL")
    yield* run.process.awaitExit
    container.stopping = false
    return true
  })
