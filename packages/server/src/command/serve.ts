/** `dockwire serve`: runs the server, and says where it is and whether the engine answers. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { isLoopback, type ServerConfig } from "../Config.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { Server } from "../Server.js"

const greet = (config: ServerConfig) =>
  Effect.gen(function* () {
    const { token, url } = yield* Server
    if (config.token === undefined)
      yield* Console.log(`Dockwire: open ${url}/#token=${encodeURIComponent(Redacted.value(token))}`)
    else yield* Console.log(`Dockwire: ${url} (the token is the one that you set: ${url}/#token=...)`)
    if (!isLoopback(config.host)) {
      yield* Console.warn(
        "Other machines can reach this address, and all that they say and see goes over it unencrypted."
      )
    }
    const monitor = yield* EngineMonitor
    yield* Effect.timeoutOption(monitor.whenChecked, "3 seconds")
    const { available, demo, endpoint, reason, version } = monitor.status()
    if (demo !== undefined) yield* Console.log(`Demo: these containers are not real. ${demo}`)
    else if (available) yield* Console.log(`Engine: Docker ${version} at ${endpoint}`)
    else
      yield* Console.log(
        `Engine: ${reason}\nThe server is up all the same and goes on by itself as soon as the engine answers.`
      )
  })

/** Runs until it is interrupted. */
export const serve = (config: ServerConfig) =>
  Layer.scopedDiscard(greet(config)).pipe(Layer.provide(Server.layer(config)), Layer.launch)
