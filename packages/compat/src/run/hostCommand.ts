import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { defectText } from "./defectText.js"

/** How a program of this machine ended. */
export interface HostResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program by its arguments, without a shell. What can't be started ends with code 127. */
export const runHostCommand = (
  [program = "", ...args]: ReadonlyArray<string>,
  directory: string | undefined,
  onLine: (line: string) => void = () => {}
): Promise<HostResult> =>
  new Promise((resolve) => {
    const output = { stdout: "", stderr: "" }
    const failed = (error: unknown) => resolve({ code: 127, stdout: output.stdout, stderr: `${defectText(error)}\n` })
    try {
      const child = spawn(program, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] })
      for (const stream of ["stdout", "stderr"] as const) {
        createInterface({ input: child[stream], crlfDelay: Infinity }).on("line", (line) => {
          output[stream] += `${line}\n`
          onLine(line)
        })
      }
      child.once("error", failed)
      // Readline hands over the last lines after the streams have ended.
      child.once("close", (code) => setImmediate(() => resolve({ code: code ?? 128, ...output })))
    } catch (error) {
      failed(error)
    }
  })
