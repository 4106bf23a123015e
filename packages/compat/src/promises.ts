/**
 * The services of core in promise style.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import { Caller } from "./promises/call.js"
import type { Promised } from "./promises/promised.js"
import { Session } from "./promises/session.js"
import * as services from "./run/services.js"
import type { CompatOptions } from "./runtime.js"

type Services = typeof services

type PromisedServices = { readonly [K in keyof Services]: Promised<Effect.Effect.Success<Services[K]>> }

/**
 * The services of core as promise functions, and how to end them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection extends PromisedServices, AsyncDisposable {
  /**
   * The same connection, each of whose calls the signal interrupts: promises reject with the signal's reason, iterations end
   * with it, and operations are cancelled. A call after the signal was aborted does nothing.
   */
  readonly with: (options: { readonly signal: AbortSignal }) => Connection
  /**
   * Cancels the operations that are running, interrupts all else, closes what is still open, and closes the connections to the
   * engine. Later calls reject.
   */
  readonly dispose: () => Promise<void>
}

/** The methods of a service, each made when it is first asked for. */
const methodsOf = (caller: Caller, service: Services[keyof Services]): object => {
  const methods = new Map<string, (...args: ReadonlyArray<unknown>) => object>()
  return new Proxy(
    {},
    {
      get: (_, name) => {
        // Whoever awaits a service asks it for `then`.
        if (typeof name !== "string" || name === "then") return undefined
        const known = methods.get(name)
        if (known !== undefined) return known
        const method = (...args: ReadonlyArray<unknown>) => caller.call(service, name, args)
        methods.set(name, method)
        return method
      }
    }
  )
}

function connection(session: Session, signal: AbortSignal | undefined): Connection
function connection(session: Session, signal: AbortSignal | undefined): object {
  const caller = new Caller(session, signal)
  const dispose = (): Promise<void> => session.dispose()
  return {
    ...Object.fromEntries(Object.entries(services).map(([name, service]) => [name, methodsOf(caller, service)])),
    with: (options: { readonly signal: AbortSignal }) =>
      connection(session, signal === undefined ? options.signal : AbortSignal.any([signal, options.signal])),
    dispose,
    [Symbol.asyncDispose]: dispose
  }
}

/**
 * Gives the services of core as plain promise functions, for programs that do not use Effect. Effects become promises that
 * reject with the tagged errors, streams become async iterables that close their connection when the loop is left, and
 * operations become `RunningOperation`s. Nothing is loaded, and nothing connects, before the first call; and an idle connection
 * does not keep the process alive.
 *
 * @example
 * ```ts
 * import { connect } from "@dockwire/compat"
 * import { MemoryEngine } from "@dockwire/core/MemoryEngine"
 *
 * const docker = connect({ layer: MemoryEngine.layer({ containers: [{ name: "web", image: "nginx" }] }) })
 * await docker.containers.stop("web")
 * for await (const line of docker.logs.read("web")) console.log(line.text)
 *
 * const pull = docker.images.pull("nginx")
 * for await (const event of pull.events) console.log(event._tag)
 * await pull.result.catch((error) => console.log(error._tag))
 *
 * await docker.dispose()
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = (options: CompatOptions = {}): Connection => connection(new Session(options), undefined)
