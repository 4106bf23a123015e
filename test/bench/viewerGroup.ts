import { setTimeout as sleep } from "node:timers/promises"
import { numberAt, textAt } from "./childProcess.js"
import type { ServerProcess } from "./serverProcess.js"
import { startTalking } from "./talkingChild.js"

/** What the viewers have received since the last report. */
export interface ViewerReport {
  /** The sum over all viewers but the slow one. */
  readonly lines: number
  readonly seconds: number
  /** The milliseconds from the write to the viewer, for the oldest line of each frame, of all but the slow one. */
  readonly p50: number
  readonly p99: number
  /** The last line of the viewer that is furthest behind, and of the slow one. -1 for none. */
  readonly lastViewer: number
  readonly slowest: number
  /** How often the slow one reconnected. */
  readonly reconnects: number
  /** What the slow one missed or received twice. Empty if nothing. */
  readonly slowWrong: string
}

/** Viewers of one container, in a separate process. */
export interface ViewerGroup {
  readonly tell: (command: "mark" | "pause" | "resume") => Promise<ViewerReport>
  /** Waits until all viewers have this line, with `all` the slow one too. */
  readonly until: (line: number, all: boolean, milliseconds: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Connects viewers to a container's log. The last one can be slowed down. */
export const openViewerGroup = async (
  server: ServerProcess,
  containerId: string,
  count: number
): Promise<ViewerGroup> => {
  const child = await startTalking("viewersChild.ts", [server.wsUrl, server.token, containerId, String(count)])
  const tell = async (command: string): Promise<ViewerReport> => {
    const value = await child.tell(command)
    if (textAt(value, "wrong") !== "")
      throw new Error(`The viewers did not receive every line exactly once: ${JSON.stringify(value)}`)
    const lines = numberAt(value, "lines")
    return {
      lines,
      seconds: numberAt(value, "seconds"),
      // There is no latency without lines.
      p50: lines === 0 ? Number.NaN : numberAt(value, "p50"),
      p99: lines === 0 ? Number.NaN : numberAt(value, "p99"),
      lastViewer: numberAt(value, "lastViewer"),
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
        const { lastViewer, slowest } = await tell("mark")
        if (lastViewer >= line && (!all || slowest >= line)) return
        if (Date.now() > end) {
          throw new Error(
            `After ${milliseconds} ms, line ${line} has not reached all viewers: the last is at ${lastViewer}, the slow one at ${slowest}.`
          )
        }
        await sleep(50)
      }
    },
    close: child.close
  }
}
