import { execFile } from "node:child_process"
import { testEngine } from "../engine/realEngine.js"

/** What a run of the docker command gave. */
export interface DockerCommandResult {
  readonly success: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Runs the docker command, whose words the old functions keep, against the engine of the tests. `undefined` where it isn't installed. */
export const dockerCommand = (...words: ReadonlyArray<string>): Promise<DockerCommandResult | undefined> =>
  new Promise((resolve) => {
    const env = { ...process.env, DOCKER_HOST: testEngine().endpoint, TZ: "UTC" }
    execFile("docker", words, { env }, (error, stdout, stderr) => {
      resolve(error?.code === "ENOENT" ? undefined : { success: error === null, stdout, stderr })
    })
  })
