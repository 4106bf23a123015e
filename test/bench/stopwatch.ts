import { readFileSync } from "node:fs"
import { quantile } from "./statistics.js"

/** Milliseconds of CPU time of the finished child processes. 0 if the system does not report it. */
const childrenCpu = (): number => {
  if (process.platform !== "linux") return 0
  // The name in parentheses can contain anything. The fields after it start with the third, in ticks of 10 ms.
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? []
  return (Number(fields[13]) + Number(fields[14])) * 10
}

/** The CPU time of this process and of its finished child processes, in milliseconds. */
export const cpuMillis = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000 + childrenCpu()
}

/** Measures calls, each of which ends by calling `next`: the milliseconds and the CPU milliseconds, with child processes. */
export const stopwatch = (count: number) => {
  const taken: Array<number> = []
  const cpuBefore = cpuMillis()
  let started = performance.now()
  return {
    next: () => {
      const now = performance.now()
      taken.push(now - started)
      started = now
    },
    read: () => ({ p50: quantile(taken, 0.5), cpu: (cpuMillis() - cpuBefore) / count })
  }
}
