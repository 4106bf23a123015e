import { spawn } from "node:child_process"
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { dockerCli } from "../../engine/dockerCli.js"
import { obtainBinaries } from "../../engine/engineBinaries.js"

interface Built {
  readonly code: number
  readonly output: Buffer
  readonly errors: string
}

interface BuildOptions {
  readonly classic?: boolean
  readonly input?: string
}

/** `docker build` with an empty configuration of its own, and buildx as its plugin. */
export interface DockerBuild {
  /** The exit code and all output. `classic` builds without BuildKit. */
  readonly run: (args: ReadonlyArray<string>, options?: BuildOptions) => Promise<Built>
  /** Builds several contexts at the same time, each into a tar: much faster than one command for each. */
  readonly bake: (tars: ReadonlyArray<{ readonly context: string; readonly tar: string }>) => Promise<Built>
  readonly dispose: () => Promise<void>
}

/**
 * What buildx sometimes says on a busy machine of a build that nobody cancelled. It is no answer to what a test asks, so that
 * the test asks again.
 */
const cancelledByItself = /^ERROR: failed to solve: Canceled: context canceled$/m
const attempts = 3

/** The docker command for builds on an engine. */
export const dockerBuild = async (endpoint: string): Promise<DockerBuild> => {
  const docker = dockerCli()
  if (docker === undefined) throw new Error("There is no docker command on this machine.")
  const config = await mkdtemp(join(tmpdir(), "dockwire-cli-"))
  await mkdir(join(config, "cli-plugins"))
  await symlink((await obtainBinaries()).buildx, join(config, "cli-plugins/docker-buildx"))
  const once = (args: ReadonlyArray<string>, { classic = false, input = "" }: BuildOptions) =>
    new Promise<Built>((resolve, reject) => {
      const child = spawn(docker, args, {
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
    })
  const run = async (args: ReadonlyArray<string>, options: BuildOptions = {}): Promise<Built> => {
    for (let left = attempts - 1; ; left--) {
      const built = await once(args, options)
      if (built.code === 0 || left === 0 || !cancelledByItself.test(built.errors)) return built
    }
  }
  return {
    run: (args, options) => run(["build", ...args], options),
    bake: (tars) => {
      const targets = tars.map(({ context, tar }, index) => [
        `build-${index}`,
        { context, output: [`type=tar,dest=${tar}`] }
      ])
      const group = { default: { targets: targets.map(([name]) => name) } }
      const input = JSON.stringify({ group, target: Object.fromEntries(targets) })
      return run(["buildx", "bake", "--progress=quiet", "--file=-"], { input })
    },
    dispose: () => rm(config, { recursive: true, force: true })
  }
}
