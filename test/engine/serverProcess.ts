import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../../packages/server/dist/bin/dockwire.js", import.meta.url))

/** How long a server may take to end, in milliseconds. */
const stopTime = 10_000

/** How to start a server. */
export interface ServerProcessOptions {
  /** The engine. As the environment has it when not given. */
  readonly endpoint?: string
  readonly dataDir: string
  /** Any that is free when not given. */
  readonly port?: number
  /** Further flags. */
  readonly flags?: ReadonlyArray<string>
  /**
   * Whether it keeps all container logs, as a server does by default. Default: none but those that the flags name, as it would
   * follow the containers of all other tests.
   */
  readonly keepsLogs?: boolean
  /** In place of that of the tests. */
  readonly environment?: Readonly<Record<string, string>>
  /** What runs the command that it is given, in this very process: `unshare ...`. */
  readonly through?: ReadonlyArray<string>
}

/** A server in a process of its own, as a person starts it. */
export interface ServerProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  readonly token: string
  /** The address that it printed for a browser. */
  readonly link: string
  /** All that it has printed so far. */
  readonly said: () => string
  /** Of the process. */
  readonly pid: number | undefined
  /** Ends it, gently or not; done when the process is gone. Rejects when it did not go by itself. */
  readonly stop: (signal?: "SIGTERM" | "SIGKILL") => Promise<void>
}

/** Keeps nothing. A demo keeps none at all: its page knows that there is nothing to ask for. */
const keepingFlags = (flags: ReadonlyArray<string>, keepsLogs: boolean): ReadonlyArray<string> =>
  keepsLogs || flags.includes("--keep-logs") ? [] : ["--keep-logs", flags.includes("memory") ? "off" : "of-no-test"]

const gone = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once("exit", () => resolve())
  })

/** Starts the built server; done when it has printed its link. */
export const startServer = ({
  dataDir,
  endpoint,
  environment,
  flags = [],
  keepsLogs = false,
  port = 0,
  through = []
}: ServerProcessOptions): Promise<ServerProcess> =>
  new Promise((resolve, reject) => {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("DOCKWIRE_")))
    const engine = endpoint === undefined ? [] : ["--docker-host", endpoint]
    const serve = [
      main,
      "serve",
      "--port",
      String(port),
      "--data-dir",
      dataDir,
      ...engine,
      ...flags,
      ...keepingFlags(flags, keepsLogs)
    ]
    const [command = "", ...args] = [...through, process.execPath, ...serve]
    const child = spawn(command, args, { env: environment ?? inherited, stdio: ["ignore", "pipe", "pipe"] })
    let said = ""
    const listen = (data: Buffer): void => {
      said += data.toString("utf8")
      // Not the link to a proxy, which names a host.
      const link = /(http:\/\/[\d.[\]:]+?:(\d+))(?:\/\S*)?\/#token=(\S+)/.exec(said)
      if (link === null) return
      const [address, url = "", at = "", token = ""] = link
      resolve({
        url,
        port: Number(at),
        token: decodeURIComponent(token),
        link: address,
        said: () => said,
        pid: child.pid,
        stop: async (signal = "SIGTERM") => {
          child.kill(signal)
          const late = setTimeout(() => child.kill("SIGKILL"), stopTime)
          await gone(child)
          clearTimeout(late)
          if (child.signalCode === "SIGKILL" && signal !== "SIGKILL") {
            throw new Error(`The server did not exit within ${stopTime} ms after ${signal}`)
          }
        }
      })
    }
    child.stdout.on("data", listen)
    child.stderr.on("data", listen)
    child.on("error", reject)
    child.on("exit", (code) => reject(new Error(`The server exited with ${code}:\n${said}`)))
  })
