/** The server as a whole: everything behind one address. */
import { Containers } from "@dockwire/core/Containers"
import type { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { Events } from "@dockwire/core/Events"
import type { LogSink } from "@dockwire/core/LogSink"
import { Logs } from "@dockwire/core/Logs"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as http from "node:http"
import { accessRules, guard } from "./access/Access.js"
import { Api } from "./Api/Api.js"
import { Auth } from "./access/Auth.js"
import { chooseEngine } from "./chooseEngine.js"
import { ConfigProblem, problemOf, type ServerConfig, urlHost } from "./Config.js"
import { EngineMonitor } from "./engine/EngineMonitor.js"
import { Followers } from "./engine/Followers.js"
import * as ContainersHttp from "./Http/Containers.js"
import * as EngineHttp from "./Http/Engine.js"
import * as HealthHttp from "./Http/Health.js"
import * as PageHttp from "./Http/Page.js"
import { requireCredential } from "./Http/RequireCredential.js"
import { securityHeaders } from "./Http/SecurityHeaders.js"
import * as SessionHttp from "./Http/Session.js"
import { Hub } from "./rooms/Hub.js"
import type { HubOptions } from "./rooms/HubOptions.js"
import { readOrMakeToken } from "./access/TokenFile.js"
import { Sockets } from "./socket/Sockets.js"
import * as WebSocket from "./socket/WebSocket.js"

/** What a program can set beyond what a person can. */
export interface ServerOptions extends ServerConfig {
  /** How much rooms remember and when a viewer is too slow. */
  readonly hub?: Partial<HubOptions>
  /** How long a container is followed on after its last viewer has left. Default 10 seconds. */
  readonly linger?: Duration.DurationInput
  /** Milliseconds between two pings of a connection. Default 25,000. */
  readonly pingInterval?: number
}

/** What a program can set where it brings the engine itself. */
export interface ServerWithDockerOptions extends Omit<ServerOptions, "engine" | "dockerHost"> {
  /** Where the engine is a demo: what viewers are told, as in `engine_status`. */
  readonly demo?: string
}

/** A running server. */
export interface ServerShape {
  /** `http://127.0.0.1:7070` */
  readonly url: string
  readonly port: number
  readonly token: Redacted.Redacted<string>
}

const nothingHere = HttpServerResponse.unsafeJson(
  { _tag: "NotFound", message: "There is nothing here." },
  { status: 404 }
)

/** Not for HEAD, which the router answers as GET where there is no route of its own. */
const notFound = (path: "*" | "/api/*") =>
  HttpLayerRouter.use((router) =>
    Effect.forEach(
      ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const,
      (method) => router.add(method, path, Effect.succeed(nothingHere)),
      { discard: true }
    )
  )

const guarded = (config: ServerConfig) =>
  HttpLayerRouter.use((router) => {
    const rules = accessRules(config)
    return router.addGlobalMiddleware((app) => securityHeaders(guard(rules)(app)))
  })

const apiRoutes = Layer.mergeAll(
  HttpLayerRouter.addHttpApi(Api).pipe(Layer.provide([ContainersHttp.layer, EngineHttp.layer, SessionHttp.layer])),
  notFound("/api/*")
).pipe(Layer.provide(requireCredential.layer))

const openApiRoute = HttpLayerRouter.use((router) =>
  router.add(
    "GET",
    "/openapi.json",
    Effect.sync(() => HttpServerResponse.unsafeJson(OpenApi.fromApi(Api)))
  )
)

const routes = (config: ServerConfig) =>
  Layer.mergeAll(apiRoutes, openApiRoute, WebSocket.layer, HealthHttp.layer, PageHttp.layer, notFound("*")).pipe(
    Layer.provide(guarded(config))
  )

const listenProblem = (config: ServerConfig, error: HttpServerError.ServeError): ConfigProblem => {
  const { cause, message } = error
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  const at = `${urlHost(config.host)}:${config.port}`
  switch (code) {
    case "EADDRINUSE":
      return new ConfigProblem(
        `The port ${config.port} is in use on ${config.host}: stop what holds it, or choose another with --port.`,
        1
      )
    case "EACCES":
      return new ConfigProblem(`This user may not listen on ${at}: choose a port from 1024 on with --port.`, 1)
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigProblem(`This machine has no address ${config.host}: choose another with --host.`)
    default:
      return new ConfigProblem(`The server can't listen on ${at}: ${code === "" ? message : code}.`, 1)
  }
}

/** The server listens a moment before its routes stand; what comes in between is held back and given to them. */
const holdUntilServed = (server: http.Server, event: "request" | "upgrade"): void => {
  const held: Array<ReadonlyArray<unknown>> = []
  const hold = (...early: ReadonlyArray<unknown>) => {
    if (server.listenerCount(event) === 1) held.push(early)
  }
  server.on(event, hold)
  server.on("newListener", function release(added) {
    if (added !== event) return
    server.off("newListener", release)
    // The new listener is there only after this.
    setImmediate(() => {
      server.off(event, hold)
      for (const early of held) server.emit(event, ...early)
    })
  })
}

/** Listens. When it ends, open answers don't keep it: their connections are closed. */
const httpServer = (config: ServerConfig) =>
  Layer.unwrapEffect(
    Effect.sync(() => {
      const server = http.createServer()
      holdUntilServed(server, "request")
      holdUntilServed(server, "upgrade")
      const listening = NodeHttpServer.layer(() => server, { port: config.port, host: config.host }).pipe(
        Layer.mapError((error) => listenProblem(config, error))
      )
      const closing = Layer.scopedDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      return Layer.provideMerge(closing, listening)
    })
  )

/** The server with its engine's services, its hub and its sink for log events. */
type Provided = Server | Hub | LogSink | Followers | EngineMonitor

const running = (options: ServerOptions, token: Redacted.Redacted<string>) =>
  Layer.scoped(
    Server,
    Effect.gen(function* () {
      const http = yield* HttpServer.HttpServer
      const sockets = yield* Sockets
      // This is built last and so ends first: connections get their 1001 while everything behind them still stands.
      yield* Effect.addFinalizer(() => sockets.closeAll)
      const port = http.address._tag === "TcpAddress" ? http.address.port : options.port
      return { port, token, url: `http://${urlHost(options.host)}:${port}` }
    })
  )

const withToken = (
  options: ServerWithDockerOptions,
  token: Redacted.Redacted<string>
): Layer.Layer<Provided, ConfigProblem, Docker> => {
  const core = Layer.mergeAll(Containers.layer, Events.layer, Logs.layer)
  const hub = Layer.provideMerge(Hub.layerSink, Hub.layerWith(options.hub ?? {}))
  const followers = options.linger === undefined ? Followers.layer : Followers.layerWith({ linger: options.linger })
  const watching = followers.pipe(
    Layer.provideMerge(EngineMonitor.layerWith(options)),
    Layer.provideMerge(hub),
    Layer.provideMerge(core)
  )
  const serving = HttpLayerRouter.serve(routes(options), { disableLogger: true, disableListenLog: true })
  return running(options, token).pipe(
    Layer.provide(serving),
    Layer.provide(Layer.merge(Sockets.layer(options.pingInterval), Auth.layer(token))),
    Layer.provide(httpServer(options)),
    Layer.provideMerge(watching)
  )
}

/** A running server: its address and its token. */
export class Server extends Context.Tag("@dockwire/server/Server")<Server, ServerShape>() {
  /** A server of the engine behind `Docker`. It runs as long as the layer lives. */
  static readonly layerWithDocker = (options: ServerWithDockerOptions): Layer.Layer<Provided, ConfigProblem, Docker> =>
    Layer.unwrapEffect(
      Effect.gen(function* () {
        const problem = problemOf(options)
        if (problem !== undefined) return yield* Effect.fail(problem)
        return withToken(options, options.token ?? (yield* readOrMakeToken(options.dataDir)))
      })
    )

  /**
   * A server of the engine that `dockerHost` or the environment names, or of the demo where `engine` says so. It runs as long
   * as the layer lives, also where no engine answers yet. Beside the server the layer gives its `Hub`, and a `LogSink` that
   * leads into it.
   */
  static readonly layer = (
    options: ServerOptions
  ): Layer.Layer<Provided, ConfigProblem | InvalidRequest | ConfigError> =>
    Layer.unwrapEffect(
      Effect.gen(function* () {
        const problem = problemOf(options)
        if (problem !== undefined) return yield* Effect.fail(problem)
        const { demo, layer } = yield* chooseEngine(options)
        return Server.layerWithDocker({ ...options, ...(demo === undefined ? {} : { demo }) }).pipe(
          Layer.provide(layer)
        )
      })
    )
}
