import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** The built command. */
export const dockwirePath = fileURLToPath(new URL("../../packages/server/dist/bin/dockwire.js", import.meta.url))

/** How a command has ended. */
export interface Outcome {
  /** `null` if a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command in a process of its own. */
export interface RunningCommand {
  readonly child: ChildProcessWithoutNullStreams
  /** What it has printed so far. */
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<Outcome>
}

/** Starts a program with an environment of its own. */
export const startProgram = (
  program: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
): RunningCommand => {
  const child = spawn(program, args, { env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", ...env } })
  const said = { out: new Array<Buffer>(), err: new Array<Buffer>() }
  child.stdout.on("data", (data: Buffer) => said.out.push(data))
  child.stderr.on("data", (data: Buffer) => said.err.push(data))
  const textOf = (which: keyof typeof said) => Buffer.concat(said[which]).toString("utf8")
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, out: textOf("out"), err: textOf("err") }))
  })
  return { child, out: () => textOf("out"), err: () => textOf("err"), ended }
}

/** Starts `dockwire`. */
export const startDockwire = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): RunningCommand => startProgram(process.execPath, [dockwirePath, ...args], env)

/** Runs `dockwire` to its end. */
export const dockwire = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  startDockwire(args, env).ended

/** Runs `dockwire` on a terminal: both outputs come as one, with the terminal's line ends. */
export const startOnTerminal = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): RunningCommand => {
  const words = [process.execPath, dockwirePath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  return startProgram("script", ["-qfec", `exec ${words.join(" ")}`, "/dev/null"], {
    TERM: "xterm",
    SHELL: "/bin/sh",
    ...env
  })
}
