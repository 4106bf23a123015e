import { execFile } from "node:child_process"
import { join } from "node:path"
import { repositoryRoot } from "./repositoryRoot.js"

/** How a command ended, and all that it said on both streams. */
export interface CommandResult {
  readonly code: number | string
  readonly output: string
}

/** The environment without what an npm that runs the tests has put there about this repository. */
const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|config_local_prefix|command)|^INIT_CWD$|^NODE_OPTIONS$/i.test(name)
    )
  ),
  NO_COLOR: "1",
  ...more
})

/** Runs a command to its end, however it ends. */
export const command = (
  folder: string,
  file: string,
  words: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>> = {}
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const options = { cwd: folder, env: environment(variables), maxBuffer: 2 ** 26 }
    execFile(file, words, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 1), output: `${stdout}${stderr}` })
    })
  })

/** Runs a tool of this repository: `tsc`, `publint`, ... */
export const tool = (folder: string, name: string, ...words: ReadonlyArray<string>): Promise<CommandResult> =>
  command(folder, join(repositoryRoot, "node_modules/.bin", name), words)
