/** What a command prints. */
import { ExitCode } from "./CommandFailure.js"

/** Whether colors and cursor movements are wanted on a stream. */
export const isPlain = (stream: NodeJS.WriteStream): boolean => {
  const { CI, NO_COLOR, TERM } = process.env
  const isSet = (value: string | undefined) => value !== undefined && value !== ""
  return !stream.isTTY || isSet(NO_COLOR) || (isSet(CI) && CI !== "false") || TERM === "dumb"
}

/**
 * Ends this process when its output cannot be written. A reader that has seen enough, such as `head`, is no failure. Anything
 * else, such as a full disk, is: output would be missing.
 */
export const endWithOutput = (): void => {
  process.stdout.on("error", (error: Error) => {
    if ("code" in error && error.code === "EPIPE") process.exit(ExitCode.ok)
    process.stderr.write(`The output can't be written: ${error.message}\n`)
    process.exit(ExitCode.failed)
  })
  // Nobody is left to tell.
  process.stderr.on("error", () => {})
}

/** Prints what is no output of a container or an operation. */
export const note = (text: string): void => {
  process.stderr.write(`-- ${text.replace(/[\r\n]+/g, " ")} --\n`)
}
