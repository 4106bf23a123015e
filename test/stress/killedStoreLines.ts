import type { LogLine } from "@dockwire/core"

export const killedContainers = ["k1", "k2", "k3", "k4"] as const

/** Nothing is deleted, so that what is missing was lost. */
export const keepsAll = { sourceBytes: 1e12, bytes: 1e12, age: 1e14 }

/** The lines of a container after the one with this number. Some have equal times and equal texts. */
export const elementsOf = (containerId: string, after: number, count: number): ReadonlyArray<LogLine> =>
  Array.from({ length: count }, (_, index) => {
    const number = after + index + 1
    const millis = 1_790_000_000_000 + Math.floor(number / 3)
    return {
      _tag: "LogLine",
      containerId,
      stream: number % 5 === 0 ? "stderr" : "stdout",
      timestamp: `${new Date(millis).toISOString().slice(0, 23)}000000Z`,
      text: number % 7 === 0 ? "the same" : `number ${number} of ${containerId} ${"x".repeat(number % 200)}`
    }
  })
