import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** What a command took, with the processes that it started and waited for. */
export interface CommandCost {
  readonly seconds: number
  readonly cpuSeconds: number
  /** The largest resident memory of any of its processes. */
  readonly megabytes: number
}

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const parentOf = (pid: number): number => Number(read(`/proc/${pid}/stat`).split(") ")[1]?.split(" ")[1] ?? 0)

/** The processes that a process has started. */
const processesBelow = (root: number): ReadonlyArray<number> => {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger)
  const parents = new Map(pids.map((pid) => [pid, parentOf(pid)]))
  const isBelow = (pid: number): boolean => pid > 1 && (pid === root || isBelow(parents.get(pid) ?? 0))
  return pids.filter((pid) => pid !== root && isBelow(pid))
}

/** The largest resident memory that a process ever had, in MB. */
const peakOf = (pid: number): number => Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024

/** What the shell's `times` says of the processes that have ended, such as `1m2.500s 0m0.250s`. */
const secondsOf = (times: string): number =>
  [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0
  )

/** Runs a command. Its memory is sampled, which takes little of the processors that are compared. */
export const commandCost = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Promise<CommandCost> =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const script = '"$@"; code=$?; times; exit $code'
    const child = spawn("sh", ["-c", script, "sh", command, ...args], { env, stdio: ["ignore", "pipe", "pipe"] })
    let [output, errors] = ["", ""]
    let [megabytes, samples] = [0, 0]
    let pids: ReadonlyArray<number> = []
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output = `${output}${text}`.slice(-2_000)))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = `${errors}${text}`.slice(-2_000)))
    const timer = setInterval(() => {
      if (samples++ % 5 === 0) pids = processesBelow(child.pid ?? 0)
      for (const pid of pids) megabytes = Math.max(megabytes, peakOf(pid))
    }, 50)
    child.on("error", reject)
    child.on("close", (code) => {
      clearInterval(timer)
      const seconds = (performance.now() - start) / 1000
      const cpuSeconds = secondsOf(output.trimEnd().split("\n").at(-1) ?? "")
      if (code === 0) resolve({ seconds, cpuSeconds, megabytes })
      else reject(new Error(`${command} ${args.join(" ")} exited with ${code}: ${errors}`))
    })
  })
