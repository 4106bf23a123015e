/** `dockwire serve`: runs the server, prints its link and reports whether the engine answers. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { isLoopback, type ServerConfig } from "../Config.js"
import { Server } from "../Server.js"

const printGreeting = (config: ServerConfig) =>
  Effect.gen(function* () {
    const { engineStatus, token, url } = yield* Server
    if (config.token === undefined) {
      const link = `${url}/#token=${encodeURIComponent(Redacted.value(token))}`
      yield* Console.log(`Dockwire is ready. Open this link in your browser:\n\n  ${link}\n`)
    } else {
      yield* Console.log(
        `Dockwire is ready at ${url}\nTo sign a browser in, open ${url}/#token=... with the token that you set.`
      )
    }
    if (!isLoopback(config.host)) {
      yield* Console.warn(
        `Warning: other machines can connect to ${config.host}, and the traffic is not encrypted. Put a TLS proxy in front of Dockwire.`
      )
    }
    const { available, demo, endpoint, reason, version } = yield* engineStatus
    if (demo !== undefined) yield* Console.log(`Demo: these containers are not real. ${demo}`)
    else if (available) yield* Console.log(`Engine: Docker ${version} at ${endpoint}`)
    else yield* Console.log(`Engine: ${reason}\nDockwire keeps trying and continues as soon as the engine responds.`)
  })

/** Runs until it is interrupted. */
export const serve = (config: ServerConfig) =>
  Layer.scopedDiscard(printGreeting(config)).pipe(Layer.provide(Server.layer(config)), Layer.launch)
