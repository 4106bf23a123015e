import { execFile } from "node:child_process"
import { testEngine } from "../engine/realEngine.js"

/** The result of a docker command. */
export interface DockerCommandResult {
  readonly success: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Runs the docker command against the test engine. Returns `undefined` if it is not installed. */
export const dockerCommand = (...words: ReadonlyArray<string>): Promise<DockerCommandResult | undefined> =>
  new Promise((resolve) => {
    const env = { ...process.env, DOCKER_HOST: testEngine().endpoint, TZ: "UTC" }
    execFile("docker", words, { env }, (error, stdout, stderr) => {
      resolve(error?.code === "ENOENT" ? undefined : { success: error === null, stdout, stderr })
    })
  })
