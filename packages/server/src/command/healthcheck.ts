/** `dockwire healthcheck`: whether the server on this machine responds. Uses only Node, because it runs every few seconds. */
import { request } from "node:http"
import { parseArgs } from "node:util"

const usage = `Usage: dockwire healthcheck [--host <address>] [--port <port>]

Exits with 0 if the server on this machine responds, otherwise with 1.

Options:
  --host <address>  Address that the server listens on. Default: 127.0.0.1. Environment: DOCKWIRE_HOST
  --port <port>     Port that the server listens on. Default: 7070. Environment: DOCKWIRE_PORT
  -h, --help        Show this help.
`

const setting = (flag: string | undefined, variable: string, fallback: string): string => {
  const value = flag ?? process.env[variable]
  return value === undefined || value === "" ? fallback : value
}

/** The address at which a server that listens on every address can be reached. */
const reachable = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host)

/** Resolves to the problem, or to `undefined` if the server is healthy. */
const checkHealth = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const sent = request(
      { host, port, path: "/healthz", timeout: 3_000, headers: { host: "localhost" } },
      (response) => {
        response.resume()
        resolve(response.statusCode === 200 ? undefined : `responded with HTTP ${response.statusCode}`)
      }
    )
    sent.on("timeout", () => sent.destroy(new Error("timed out after 3 seconds")))
    sent.on("error", (error) => resolve(`did not respond (${error.message})`))
    sent.end()
  })

/** Runs the command. Resolves to its exit code. */
export const healthcheck = async (argv: ReadonlyArray<string>): Promise<number> => {
  let flags: {
    readonly host?: string | undefined
    readonly port?: string | undefined
    readonly help?: boolean | undefined
  }
  try {
    flags = parseArgs({
      args: [...argv],
      options: { host: { type: "string" }, port: { type: "string" }, help: { type: "boolean", short: "h" } }
    }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 1
  }
  if (flags.help === true) {
    process.stdout.write(usage)
    return 0
  }
  const port = setting(flags.port, "DOCKWIRE_PORT", "7070")
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    process.stderr.write(
      `Invalid port "${port}". Set --port or DOCKWIRE_PORT to the server's port, a whole number from 1 to 65535.\n`
    )
    return 1
  }
  const host = reachable(setting(flags.host, "DOCKWIRE_HOST", "127.0.0.1"))
  const problem = await checkHealth(host, Number(port))
  if (problem === undefined) return 0
  process.stderr.write(`Dockwire at ${host}:${port} ${problem}. Is it running, and are --host and --port right?\n`)
  return 1
}
