import { execFile } from "node:child_process"
import { join } from "node:path"
import { repositoryRoot } from "./repositoryRoot.js"

/** The exit code of a command, and its output on both streams. */
export interface CommandResult {
  readonly code: number | string
  readonly output: string
}

/** The environment without the variables about this repository that npm sets when it runs the tests. */
const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_local_prefix|command)|^INIT_CWD$|^NODE_OPTIONS$/i.test(name)
    )
  ),
  NO_COLOR: "1",
  ...more
})

/** Runs a command. A failure is a result, not a rejection. */
export const command = (
  folder: string,
  file: string,
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>> = {}
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const options = { cwd: folder, env: environment(variables), maxBuffer: 2 ** 26 }
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 1), output: `${stdout}${stderr}` })
    })
  })

/** Runs a tool of this repository: `tsc`, `publint`, ... */
export const tool = (folder: string, name: string, ...args: ReadonlyArray<string>): Promise<CommandResult> =>
  command(folder, join(repositoryRoot, "node_modules/.bin", name), args)
