import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { obtainCompose, testedEdition } from "../../engine/composeEditions.js"
import { engineRequest } from "../../engine/engineRequest.js"
import { testCompose, testEngine } from "../../engine/realEngine.js"
import { testProjectName } from "../../engine/testRun.js"
import { eventually } from "../eventually.js"

const run = promisify(execFile)

/** The compose of the tested edition. */
const testedCompose = async (): Promise<ReadonlyArray<string> | undefined> => {
  const edition = testedEdition()
  return edition === "2.26" ? testCompose() : [(await obtainCompose(edition)).compose]
}

/** A compose project on the test engine, driven by the real compose. */
export interface RealProject {
  readonly name: string
  readonly folder: string
  /** Runs a compose command; rejects if it fails. */
  readonly compose: (...args: ReadonlyArray<string>) => Promise<string>
  /** Runs one that is to fail, and returns what it printed. */
  readonly failing: (...args: ReadonlyArray<string>) => Promise<string>
  readonly write: (file: string) => Promise<void>
}

/** Gives a test a project with this compose file, and takes it down afterwards. */
export const withProject = async (file: string, use: (project: RealProject) => Promise<void>): Promise<void> => {
  const command = await testedCompose()
  if (command === undefined) throw new Error("the tests of compose projects need compose")
  const [program = "", ...prefix] = command
  const name = testProjectName(`state-${randomUUID().slice(0, 8)}`)
  const folder = await mkdtemp(join(tmpdir(), "dockwire-project-"))
  const env = { ...process.env, DOCKER_HOST: testEngine().endpoint, COMPOSE_ANSI: "never" }
  const compose = async (...args: ReadonlyArray<string>) => {
    const options = { cwd: folder, env, timeout: 60_000 }
    const { stderr, stdout } = await run(program, [...prefix, "-p", name, ...args], options)
    return stdout + stderr
  }
  const failing = (...args: ReadonlyArray<string>) =>
    compose(...args).then(
      (output) => Promise.reject(new Error(`compose succeeded: ${output}`)),
      (error: unknown) => String(error)
    )
  const write = (text: string) => writeFile(join(folder, "compose.yaml"), text)
  try {
    await write(file)
    await use({ name, folder, compose, failing, write })
  } finally {
    await compose("down", "--volumes", "--remove-orphans", "--timeout", "0").catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}

/** A service that runs until it is told to end, and then ends with 0 (see `hasTrap`). */
export const lasting = "[sh, -c, 'trap \"exit 0\" TERM; touch /trapped; while :; do sleep 0.1; done']"

/** Waits until a container of `lasting` has set its trap: told to end before, it would end with another code. */
export const hasTrap = (container: string): PromiseLike<void> => {
  const file = `/containers/${container}/archive?path=/trapped`
  return eventually(async () => (await engineRequest(testEngine().endpoint, "HEAD", file)).status).toBe(200)
}
