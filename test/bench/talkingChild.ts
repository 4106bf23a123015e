import type { ChildProcessByStdio } from "node:child_process"
import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"
import { startChild } from "./childProcess.js"

/** A script in a process of its own that answers each command with a line of JSON. */
export interface TalkingChild {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  /** What it said when it was ready. */
  readonly first: unknown
  readonly tell: (command: string) => Promise<unknown>
  /** Ends its input, and waits until it has ended. */
  readonly close: () => Promise<void>
}

/** Starts such a script of this folder. */
export const startTalking = async (script: string, args: ReadonlyArray<string>): Promise<TalkingChild> => {
  const child = await startChild(script, args)
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { done, value } = await answers.next()
    if (done === true) throw new Error(`${script} ended.`)
    const parsed: unknown = JSON.parse(value)
    return parsed
  }
  return {
    process: child,
    first: await next(),
    tell: (command) => {
      child.stdin.write(`${command}\n`)
      return next()
    },
    close: () => {
      child.stdin.end()
      return closed
    }
  }
}
