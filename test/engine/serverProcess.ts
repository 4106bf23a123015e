import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url))

/** How long a server may take to end, in milliseconds. */
const stopTime = 10_000

/** How to start a server. */
export interface ServerProcessOptions {
  /** The engine. */
  readonly endpoint: string
  readonly dataDir: string
  /** Any that is free when not given. */
  readonly port?: number
}

/** A server in a process of its own, as a person starts it. */
export interface ServerProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  readonly token: string
  /** The address that it printed for a browser. */
  readonly link: string
  /** Ends it, gently or not; done when the process is gone. Rejects when it did not go by itself. */
  readonly stop: (signal?: "SIGTERM" | "SIGKILL") => Promise<void>
}

const gone = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once("exit", () => resolve())
  })

/** Starts the built server; done when it has printed its link. */
export const startServer = ({ dataDir, endpoint, port = 0 }: ServerProcessOptions): Promise<ServerProcess> =>
  new Promise((resolve, reject) => {
    const environment = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("DOCKWIRE_"))
    )
    const flags = ["--port", String(port), "--data-dir", dataDir, "--docker-host", endpoint]
    const child = spawn(process.execPath, [main, "serve", ...flags], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"]
    })
    let said = ""
    const listen = (data: Buffer): void => {
      said += data.toString("utf8")
      const link = /(http:\/\/\S+?:(\d+))\/#token=(\S+)/.exec(said)
      if (link === null) return
      const [address, url = "", at = "", token = ""] = link
      resolve({
        url,
        port: Number(at),
        token: decodeURIComponent(token),
        link: address,
        stop: async (signal = "SIGTERM") => {
          child.kill(signal)
          const late = setTimeout(() => child.kill("SIGKILL"), stopTime)
          await gone(child)
          clearTimeout(late)
          if (child.signalCode === "SIGKILL" && signal !== "SIGKILL") {
            throw new Error(`The server did not end within ${stopTime} ms of ${signal}`)
          }
        }
      })
    }
    child.stdout.on("data", listen)
    child.stderr.on("data", listen)
    child.on("error", reject)
    child.on("exit", (code) => reject(new Error(`The server ended with ${code}:\n${said}`)))
  })
