import { execFile } from "node:child_process"
import { it } from "vitest"
import { dockerCli } from "./dockerCli.js"
import { isCi } from "./isCi.js"

/** How a docker command ended, and what it printed. */
export interface DockerCliResult {
  readonly success: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Runs a docker command in an environment of its own. */
export type RunDocker = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>
) => Promise<DockerCliResult>

const runWith =
  (docker: string): RunDocker =>
  (args, environment) =>
    new Promise((resolve, reject) => {
      const { DOCKER_CONTEXT: _context, DOCKER_HOST: _host, ...inherited } = process.env
      const env = { ...inherited, TZ: "UTC", ...environment }
      execFile(docker, args, { env, timeout: 30_000 }, (error, stdout, stderr) => {
        if (error !== null && typeof error.code === "string") reject(error)
        else resolve({ success: error === null, stdout, stderr })
      })
    })

const unavailable = "there is no docker command on this machine"

/** A test against the docker command. Where there is none it is skipped for that reason, but fails under `CI`. */
export const itDockerCli = (name: string, body: (docker: RunDocker) => Promise<void>): void => {
  const docker = dockerCli()
  if (docker !== undefined) it(name, () => body(runWith(docker)))
  else if (isCi)
    it(name, () => {
      throw new Error(`In CI, the tests need a docker command: ${unavailable}.`)
    })
  else it.skip(`${name} [skipped: ${unavailable}]`, () => {})
}
