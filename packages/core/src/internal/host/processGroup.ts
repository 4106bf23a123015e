import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { ChildProcess } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** From 5 milliseconds up to every 100: for the end of processes, which the kernel reports to their parents only. */
const groupPoll = Schedule.exponential("5 millis").pipe(Schedule.union(Schedule.spaced("100 millis")))

/** How long processes may take to disappear after they were killed. */
const killTimeout = Duration.seconds(2)

/** Sends a signal to every process of a group. Signal 0 sends none. Returns whether there is such a process. */
const signalGroup = (leader: ChildProcess, signal: NodeJS.Signals | 0): boolean => {
  const { pid } = leader
  if (pid === undefined) return false
  try {
    // Windows has no process groups.
    return process.platform === "win32" ? leader.kill(signal) : process.kill(-pid, signal)
  } catch (error) {
    // A process that may not be signalled exists nevertheless.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/**
 * Whether a process of a group is more than a zombie. A parent that does not collect its children, such as a program that
 * runs as process 1 of a container, leaves zombies in the group for ever.
 */
const hasLiveProcess = (group: number): boolean =>
  process.platform !== "linux" ||
  readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1")
      // The program's name is in parentheses, and may contain any character.
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return processGroup === String(group) && state !== "Z" && state !== "X"
    } catch {
      return false
    }
  })

const hasEnded = (leader: ChildProcess): boolean => {
  if (leader.pid === undefined) return true
  if (leader.exitCode === null && leader.signalCode === null) return false
  return !signalGroup(leader, 0) || !hasLiveProcess(leader.pid)
}

/** Waits for a group to end, for a time. Returns whether it did. A finalizer cannot be interrupted, and so not timed out. */
const awaitEnd = (leader: ChildProcess, timeout: Duration.Duration): Effect.Effect<boolean> =>
  Effect.repeat(
    Effect.sync(() => hasEnded(leader)),
    { until: (ended) => ended, schedule: Schedule.upTo(groupPoll, timeout) }
  ).pipe(Effect.map(() => hasEnded(leader)))

/**
 * Ends a program that leads a process group, with every process that it started in that group: SIGTERM, and SIGKILL for
 * those that are left after `killAfter`.
 */
export const endProcessGroup = (leader: ChildProcess, killAfter: Duration.Duration): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (hasEnded(leader)) return
    signalGroup(leader, "SIGTERM")
    if (yield* awaitEnd(leader, killAfter)) return
    signalGroup(leader, "SIGKILL")
    yield* awaitEnd(leader, killTimeout)
  })
