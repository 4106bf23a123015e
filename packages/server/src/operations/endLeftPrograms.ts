/** Ends the programs that a server which is gone has left running on this machine. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { readdir, readFile } from "node:fs/promises"

/** Core marks the programs of a run with this variable. */
const mark = "dockwire.log-id="

/** A program: with the time at which it started, the number is that of one program for ever. */
interface Program {
  readonly pid: number
  readonly group: number
  readonly startTime: string
}

const programOf = async (pid: number): Promise<Program | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")
  // The program's name is in parentheses, and may contain any character.
  const [state, , group, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const startTime = rest[16]
  return state === undefined || startTime === undefined || state === "Z" || state === "X"
    ? undefined
    : { pid, group: Number(group), startTime }
}

const allPrograms = async (): Promise<ReadonlyArray<Program>> => {
  const names = await readdir("/proc").catch((): Array<string> => [])
  const pids = names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).map(Number)
  return (await Promise.all(pids.map(programOf))).filter((program) => program !== undefined)
}

const isMarked = async ({ pid }: Program, logId: string): Promise<boolean> =>
  (await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")).split("\0").includes(mark + logId)

const isAlive = async ({ pid, startTime }: Program): Promise<boolean> => (await programOf(pid))?.startTime === startTime

/**
 * The programs of a run: those that are marked, which nobody else's are, as nobody else knows the id; and those that a marked
 * one has started in its process group, as a shell does not pass the mark on. `known` are programs of the run from before.
 */
const programsOf = async (logId: string, known: ReadonlyArray<Program>): Promise<ReadonlyArray<Program>> => {
  const all = await allPrograms()
  const marks = await Promise.all(all.map((program) => isMarked(program, logId)))
  const marked = all.filter((_, index) => marks[index])
  const alive = known.filter(({ pid, startTime }) =>
    all.some((program) => program.pid === pid && program.startTime === startTime)
  )
  const own = new Set([...marked, ...alive].map(({ pid }) => pid))
  // While one of its members lives, the number of a group is not used again.
  const groups = new Set([
    ...marked.filter(({ group, pid }) => group === pid).map(({ group }) => group),
    ...alive.filter(({ group }) => known.some((leader) => leader.pid === group)).map(({ group }) => group)
  ])
  return all.filter(({ group, pid }) => own.has(pid) || groups.has(group))
}

const signal = async (programs: ReadonlyArray<Program>, name: NodeJS.Signals): Promise<void> => {
  for (const program of programs) {
    if (!(await isAlive(program))) continue
    try {
      process.kill(program.pid, name)
    } catch {
      // It has ended since.
    }
  }
}

const someAlive = async (programs: ReadonlyArray<Program>): Promise<boolean> =>
  (await Promise.all(programs.map(isAlive))).some(Boolean)

/** How long programs have to end before they are killed, and how long then. */
const patience = { term: "10 seconds", kill: "2 seconds" } as const

const awaitEnd = (programs: ReadonlyArray<Program>, time: (typeof patience)[keyof typeof patience]) =>
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
    const programs = yield* Effect.promise(() => programsOf(logId, []))
    if (programs.length === 0) return 0
    yield* Effect.promise(() => signal(programs, "SIGTERM"))
    yield* awaitEnd(programs, patience.term)
    // Also what they have started since.
    const left = yield* Effect.promise(() => programsOf(logId, programs))
    yield* Effect.promise(() => signal(left, "SIGKILL"))
    yield* awaitEnd(left, patience.kill)
    return programs.length
  })
