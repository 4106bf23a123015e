/** `dockwire healthcheck`: whether the server on this machine answers. On nothing but Node, as it is run every few seconds. */
import { request } from "node:http"
import { parseArgs } from "node:util"

const usage = `dockwire healthcheck [--host 127.0.0.1] [--port 7070]

Exits with 0 when the server answers, else with 1. DOCKWIRE_HOST and DOCKWIRE_PORT count where no flag is given.
`

const setting = (flag: string | undefined, variable: string, otherwise: string): string => {
  const value = flag ?? process.env[variable]
  return value === undefined || value === "" ? otherwise : value
}

/** Where a server that listens on every address is reached from here. */
const reachable = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host)

const answers = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const sent = request(
      { host, port, path: "/healthz", timeout: 3_000, headers: { host: "localhost" } },
      (response) => {
        response.resume()
        resolve(response.statusCode === 200 ? undefined : `answers with HTTP ${response.statusCode}`)
      }
    )
    sent.on("timeout", () => sent.destroy(new Error("no answer within 3 seconds")))
    sent.on("error", (error) => resolve(`does not answer: ${error.message}`))
    sent.end()
  })

/** Runs the command; gives its exit code. */
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
    process.stderr.write(`--port ${port} is not a port: give a whole number from 1 to 65535.\n`)
    return 1
  }
  const host = reachable(setting(flags.host, "DOCKWIRE_HOST", "127.0.0.1"))
  const problem = await answers(host, Number(port))
  if (problem !== undefined) process.stderr.write(`dockwire at ${host}:${port} ${problem}\n`)
  return problem === undefined ? 0 : 1
}
