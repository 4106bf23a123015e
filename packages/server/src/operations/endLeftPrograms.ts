/** Ends the programs that a server which is gone has left running on this machine. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { readdir, readFile } from "node:fs/promises"

/** Core marks the programs of a run with this variable. */
const mark = "dockwire.log-id="

interface LeftProgram {
  readonly pid: number
  readonly group: number
  /** When it started: with the number, that is one program for ever. */
  readonly startTime: string
}

const statOf = async (pid: number): Promise<LeftProgram | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")
  // The program's name is in parentheses, and may contain any character.
  const [state, , group, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const startTime = rest[16]
  return state === undefined || startTime === undefined || state === "Z" || state === "X"
    ? undefined
    : { pid, group: Number(group), startTime }
}

/** The programs of a run. Nobody else knows its id, and no other account can read what marks them. */
const programsOf = async (logId: string): Promise<ReadonlyArray<LeftProgram>> => {
  const names = await readdir("/proc").catch((): Array<string> => [])
  const found: Array<LeftProgram> = []
  for (const name of names) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    const environment = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "")
    if (!environment.split("\0").includes(mark + logId)) continue
    const program = await statOf(Number(name))
    if (program !== undefined) found.push(program)
  }
  return found
}

const isAlive = async ({ pid, startTime }: LeftProgram): Promise<boolean> =>
  (await statOf(pid))?.startTime === startTime

/** Signals the programs, each only if it is still the one that was found, and with it the group that it leads. */
const signal = async (programs: ReadonlyArray<LeftProgram>, name: NodeJS.Signals): Promise<void> => {
  for (const program of programs) {
    if (!(await isAlive(program))) continue
    try {
      process.kill(program.group === program.pid ? -program.group : program.pid, name)
    } catch {
      // It has ended since.
    }
  }
}

const someAlive = async (programs: ReadonlyArray<LeftProgram>): Promise<boolean> =>
  (await Promise.all(programs.map(isAlive))).some(Boolean)

/** How long programs have to end before they are killed, and how long then. */
const patience = { term: "10 seconds", kill: "2 seconds" } as const

const awaitEnd = (programs: ReadonlyArray<LeftProgram>, time: (typeof patience)[keyof typeof patience]) =>
  Effect.repeat(
    Effect.promise(() => someAlive(programs)),
    { while: (alive) => alive, schedule: Schedule.upTo(Schedule.spaced("50 millis"), time) }
  )

/**
 * Ends what is left of a run: SIGTERM, and SIGKILL for what is still there after 10 seconds. Returns how many programs there
 * were. Elsewhere than on Linux nothing can be found.
 */
export const endLeftPrograms = (logId: string): Effect.Effect<number> =>
  Effect.gen(function* () {
    const programs = yield* Effect.promise(() => programsOf(logId))
    if (programs.length === 0) return 0
    yield* Effect.promise(() => signal(programs, "SIGTERM"))
    yield* awaitEnd(programs, patience.term)
    // Also what they have started since.
    const left = yield* Effect.promise(() => programsOf(logId))
    yield* Effect.promise(() => signal(left, "SIGKILL"))
    yield* awaitEnd(left, patience.kill)
    return programs.length
  })
