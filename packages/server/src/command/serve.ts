/** `dockwire serve`: runs the server, prints its link and reports whether the engine answers. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { hostname } from "node:os"
import { basePathOf, isLoopback, parseOrigin, type ServerConfig, urlHost } from "../Config.js"
import { Server } from "../Server.js"
import { writeServerFile } from "./serverFile.js"

/** Where a browser can open the server. It can't open the address that stands for all addresses of the machine. */
const browserAddresses = ({ basePath, host, publicOrigins }: ServerConfig, port: number): ReadonlyArray<string> => {
  const at = (name: string): string => `http://${urlHost(name)}:${port}`
  const own =
    host === "0.0.0.0" || host === "::"
      ? [at(host === "::" ? "::1" : "127.0.0.1"), at(hostname().toLowerCase())]
      : [at(host)]
  const origins = [...publicOrigins.flatMap((text) => parseOrigin(text)?.origin ?? []), ...own]
  return origins.map((origin) => origin + basePathOf({ basePath }))
}

const printGreeting = (config: ServerConfig) =>
  Effect.gen(function* () {
    const { engineStatus, historyStatus, keptLogsProblem, port, stacksProblem, token, tokenNotice } = yield* Server
    const addresses = browserAddresses(config, port)
    if (config.token === undefined) {
      const fragment = `#token=${encodeURIComponent(Redacted.value(token))}`
      const links = addresses.map((address) => `  ${address}/${fragment}\n`).join("")
      const which = addresses.length === 1 ? "this link" : "one of these links"
      yield* Console.log(`Dockwire is ready. Open ${which} in your browser:\n\n${links}`)
    } else {
      // The token is not printed: whoever set it knows it, and output often ends up in a log.
      yield* Console.log(
        `Dockwire is ready. Open ${addresses.join(" or ")} in your browser and sign in with the token that you set with --token or DOCKWIRE_TOKEN.`
      )
    }
    if (tokenNotice !== undefined) yield* Console.warn(`Warning: ${tokenNotice}`)
    if (!isLoopback(config.host)) {
      yield* Console.warn(
        `Warning: other machines can connect to ${config.host}, and the traffic is not encrypted. Put a TLS proxy in front of Dockwire.`
      )
    }
    const history = yield* historyStatus
    if (history.reason !== undefined) yield* Console.warn(`Warning: ${history.reason}`)
    const logs = yield* keptLogsProblem
    if (logs !== undefined) yield* Console.warn(`Warning: ${logs}`)
    const problem = yield* stacksProblem
    if (problem !== undefined) yield* Console.warn(`Warning: ${problem}`)
    const { available, demo, endpoint, reason, version } = yield* engineStatus
    if (demo !== undefined) yield* Console.log(`Demo: these containers are not real. ${demo}`)
    else if (available) yield* Console.log(`Engine: Docker ${version} at ${endpoint}`)
    else yield* Console.log(`Engine: ${reason}\nDockwire keeps trying and continues as soon as the engine responds.`)
  })

/** Lets commands on this machine find the server. */
const announce = (config: ServerConfig) =>
  Effect.gen(function* () {
    const { port } = yield* Server
    const host = config.host === "0.0.0.0" ? "127.0.0.1" : config.host === "::" ? "::1" : config.host
    const server = { url: `http://${urlHost(host)}:${port}`, hasOwnToken: config.token !== undefined }
    yield* Effect.acquireRelease(
      Effect.promise(() => writeServerFile(config.dataDir, server)),
      (takeBack) => Effect.promise(takeBack)
    )
  })

/** Runs until it is interrupted. */
export const serve = (config: ServerConfig) =>
  Layer.scopedDiscard(Effect.zipRight(announce(config), printGreeting(config))).pipe(
    Layer.provide(Server.layer(config)),
    Layer.launch
  )
