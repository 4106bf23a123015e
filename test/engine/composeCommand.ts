import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { promisify } from "node:util"
import { unpackedBinaries } from "./engineBinaries.js"

const run = promisify(execFile)

/** The command that runs compose, before the arguments of compose. */
export interface ComposeCommand {
  readonly command: ReadonlyArray<string>
  readonly version: string
}

const asked = async (command: ReadonlyArray<string>): Promise<ComposeCommand | undefined> => {
  const [program = "", ...rest] = command
  try {
    const { stdout } = await run(program, [...rest, "version", "--short"], { timeout: 20_000 })
    const version = /\d+\.\d+\.\d+\S*/.exec(stdout)?.[0]
    return version === undefined ? undefined : { command, version }
  } catch {
    return undefined
  }
}

/** The `docker compose` plugin of this machine, or the unpacked binary, or `undefined`. */
export const findCompose = async (): Promise<ComposeCommand | undefined> => {
  const own = await asked(["docker", "compose"])
  if (own !== undefined) return own
  const unpacked = unpackedBinaries()?.compose
  return unpacked !== undefined && existsSync(unpacked) ? asked([unpacked]) : undefined
}
