/** What Ctrl-C does while an operation is watched. */
import type { TreeDisplay } from "./TreeDisplay.js"

/** What somebody who pressed Ctrl-C wants. */
export type Choice = "leave" | "cancel"

const question = "Leave it running (l), cancel it (c), or go on watching (w)? Ctrl-C leaves it running."

const ctrlC = "\u0003"

/** Asks with a key. `undefined`: go on watching. */
const askKey = (display: TreeDisplay): Promise<Choice | undefined> =>
  new Promise((resolve) => {
    const { stdin } = process
    const answer = (choice: Choice | undefined): void => {
      stdin.off("data", onKey)
      stdin.setRawMode(false)
      stdin.pause()
      display.ask(undefined)
      resolve(choice)
    }
    const onKey = (data: Buffer): void => {
      for (const key of data.toString("utf8").toLowerCase()) {
        if (key === "l" || key === ctrlC) return answer("leave")
        if (key === "c") return answer("cancel")
        if (key === "w" || key === "\r") return answer(undefined)
      }
    }
    stdin.setRawMode(true)
    stdin.resume()
    stdin.on("data", onKey)
    display.ask(question)
  })

/** Calls `choose` when Ctrl-C is pressed, after asking if there is a terminal to ask on. Returns what ends that. */
export const onInterrupt = (display: TreeDisplay | undefined, choose: (choice: Choice) => void): (() => void) => {
  let isAsking = false
  const interrupted = (): void => {
    // The second one, from another program: the first key of a terminal in raw mode is no signal.
    if (isAsking || display === undefined || !process.stdin.isTTY) return choose("leave")
    isAsking = true
    void askKey(display).then((choice) => {
      isAsking = false
      if (choice !== undefined) choose(choice)
    })
  }
  const ended = (): void => choose("leave")
  process.on("SIGINT", interrupted)
  process.on("SIGTERM", ended)
  process.on("SIGHUP", ended)
  return () => {
    process.off("SIGINT", interrupted)
    process.off("SIGTERM", ended)
    process.off("SIGHUP", ended)
    if (!isAsking) return
    process.stdin.setRawMode(false)
    process.stdin.pause()
  }
}
