import { spawn } from "node:child_process"
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { dockerCli } from "../../engine/dockerCli.js"
import { obtainBinaries } from "../../engine/engineBinaries.js"

/** `docker build` with an empty configuration of its own, and buildx as its plugin. */
export interface DockerBuild {
  /** The exit code and all output. `classic` builds without BuildKit. */
  readonly run: (
    args: ReadonlyArray<string>,
    options?: { readonly classic?: boolean; readonly input?: string }
  ) => Promise<{ readonly code: number; readonly output: Buffer; readonly errors: string }>
  readonly dispose: () => Promise<void>
}

/** The docker command for builds on an engine. */
export const dockerBuild = async (endpoint: string): Promise<DockerBuild> => {
  const docker = dockerCli()
  if (docker === undefined) throw new Error("There is no docker command on this machine.")
  const config = await mkdtemp(join(tmpdir(), "dockwire-cli-"))
  await mkdir(join(config, "cli-plugins"))
  await symlink((await obtainBinaries()).buildx, join(config, "cli-plugins/docker-buildx"))
  return {
    run: (args, { classic = false, input = "" } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(docker, ["build", ...args], {
          env: {
            PATH: process.env["PATH"],
            DOCKER_HOST: endpoint,
            DOCKER_CONFIG: config,
            DOCKER_BUILDKIT: classic ? "0" : "1",
            HOME: config
          }
        })
        const output: Array<Buffer> = []
        let errors = ""
        child.stdout.on("data", (bytes: Buffer) => output.push(bytes))
        child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
        child.on("error", reject)
        child.on("close", (code) => resolve({ code: code ?? 1, output: Buffer.concat(output), errors }))
        child.stdin.end(input)
      }),
    dispose: () => rm(config, { recursive: true, force: true })
  }
}
