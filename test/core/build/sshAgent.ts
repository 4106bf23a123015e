import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** An ssh agent with one key. */
export interface TestSshAgent {
  readonly socketPath: string
  /** As `ssh-add -L` prints it, without the comment. */
  readonly publicKey: string
  readonly keys: () => Promise<string>
  /** The files that `ssh-add` consists of, to run it elsewhere. */
  readonly programs: () => Promise<ReadonlyArray<string>>
  readonly stop: () => Promise<void>
}

/** Starts OpenSSH's agent. */
export const startSshAgent = async (): Promise<TestSshAgent> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-agent-"))
  const socketPath = join(folder, "agent.sock")
  const agent = spawn("ssh-agent", ["-D", "-a", socketPath], { stdio: ["ignore", "pipe", "ignore"] })
  // It prints the path of its socket once it listens.
  await once(agent.stdout, "data")
  const key = join(folder, "key")
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "dockwire test", "-f", key])
  const env = { PATH: process.env["PATH"], SSH_AUTH_SOCK: socketPath }
  await run("ssh-add", ["-q", key], { env })
  const [type = "", material = ""] = (await readFile(`${key}.pub`, "utf8")).split(" ")
  return {
    socketPath,
    publicKey: `${type} ${material}`,
    keys: async () => (await run("ssh-add", ["-L"], { env })).stdout,
    programs: async () => {
      const { stdout: path } = await run("sh", ["-c", "command -v ssh-add"])
      const { stdout } = await run("ldd", [path.trim()])
      const libraries = Array.from(stdout.matchAll(/(\/\S+) \(/g), ([, library]) => library ?? "")
      await Promise.all(libraries.map((library) => realpath(library)))
      return [path.trim(), ...libraries]
    },
    stop: async () => {
      agent.kill()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
