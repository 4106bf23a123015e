import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { numberAt, startChild, textAt } from "./childProcess.js"
import type { ServerProcess } from "./serverProcess.js"

/** What viewers got since they were last asked. */
export interface ViewerReport {
  /** By all but the slow one together. */
  readonly lines: number
  readonly seconds: number
  /** Milliseconds from the write to the viewer, of the oldest line of each frame; of all but the slow one. */
  readonly p50: number
  readonly p99: number
  /** The last line that the one behind all others has, and that the slow one has; -1 for none. */
  readonly behindmost: number
  readonly slowest: number
  /** How often the slow one had to come back. */
  readonly reconnects: number
  /** What the slow one missed or got twice; empty when all is well. */
  readonly slowWrong: string
}

/** Viewers of one container, in a process of their own. */
export interface ViewerGroup {
  readonly tell: (command: "mark" | "pause" | "resume") => Promise<ViewerReport>
  /** Waits until all have this line, the slow one too where `all` says so. */
  readonly until: (line: number, all: boolean, milliseconds: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Connects viewers to a container's log; the last of them can be made slow. */
export const openViewerGroup = async (
  server: ServerProcess,
  containerId: string,
  count: number
): Promise<ViewerGroup> => {
  const child = await startChild("viewersChild.ts", [server.wsUrl, server.token, containerId, String(count)])
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { done, value } = await answers.next()
    if (done === true) throw new Error("The viewers' process ended.")
    const parsed: unknown = JSON.parse(value)
    return parsed
  }
  await next()
  const tell = async (command: string): Promise<ViewerReport> => {
    child.stdin.write(`${command}\n`)
    const value = await next()
    if (textAt(value, "wrong") !== "") throw new Error(`Viewers did not get each line once: ${JSON.stringify(value)}`)
    const lines = numberAt(value, "lines")
    return {
      lines,
      seconds: numberAt(value, "seconds"),
      // Without lines there is no latency.
      p50: lines === 0 ? Number.NaN : numberAt(value, "p50"),
      p99: lines === 0 ? Number.NaN : numberAt(value, "p99"),
      behindmost: numberAt(value, "behindmost"),
      slowest: numberAt(value, "slowest"),
      reconnects: numberAt(value, "reconnects"),
      slowWrong: textAt(value, "slowWrong")
    }
  }
  return {
    tell,
    until: async (line, all, milliseconds) => {
      const end = Date.now() + milliseconds
      for (;;) {
        const { behindmost, slowest } = await tell("mark")
        if (behindmost >= line && (!all || slowest >= line)) return
        if (Date.now() > end) {
          throw new Error(`After ${milliseconds} ms line ${line} is not with all: ${behindmost}, slow one ${slowest}.`)
        }
        await sleep(50)
      }
    },
    close: async () => {
      const ended = new Promise<void>((resolve) => child.on("close", () => resolve()))
      child.stdin.end()
      await ended
    }
  }
}
