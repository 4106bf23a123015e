/**
 * The server: the HTTP API, the WebSocket and the page at one address.
 *
 * @since 0.1.0
 */
import type { ComposeOptions } from "@dockwire/core/Compose"
import { Containers } from "@dockwire/core/Containers"
import type { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { Events } from "@dockwire/core/Events"
import { Exec } from "@dockwire/core/Exec"
import { Images } from "@dockwire/core/Images"
import { LogSink } from "@dockwire/core/LogSink"
import { Logs } from "@dockwire/core/Logs"
import { Networks } from "@dockwire/core/Networks"
import { RegistryAuth } from "@dockwire/core/RegistryAuth"
import { Stats } from "@dockwire/core/Stats"
import { System } from "@dockwire/core/System"
import { Volumes } from "@dockwire/core/Volumes"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as http from "node:http"
import { accessRules, guard } from "./access/Access.js"
import { Api } from "./Api/Api.js"
import { Auth, type AuthOptions } from "./access/Auth.js"
import { chooseEngine } from "./chooseEngine.js"
import { basePathOf, ConfigProblem, defaultTokensFile, validateConfig, type ServerConfig, urlHost } from "./Config.js"
import { EngineMonitor } from "./engine/EngineMonitor.js"
import type { EngineStatus } from "./EngineStatus.js"
import { defaultLinger, Followers } from "./engine/Followers.js"
import { StatsFollowers } from "./engine/StatsFollowers.js"
import * as ContainersHttp from "./Http/containers/Containers.js"
import * as DocsHttp from "./Http/Docs.js"
import * as EngineHttp from "./Http/Engine.js"
import * as HealthHttp from "./Http/Health.js"
import * as ImagesHttp from "./Http/images/Images.js"
import * as LogsHttp from "./Http/logs/Logs.js"
import * as NetworksHttp from "./Http/objects/Networks.js"
import * as VolumesHttp from "./Http/objects/Volumes.js"
import * as OperationsHttp from "./Http/Operations.js"
import * as PageHttp from "./Http/Page.js"
import { afterOpening } from "./Http/guard/afterOpening.js"
import { declaredRouter } from "./Http/guard/declaredRouter.js"
import { openApiDocument } from "./Http/openApiDocument.js"
import { checkRequest } from "./Http/request/CheckRequest.js"
import { requireCredential } from "./Http/guard/RequireCredential.js"
import { holdUntilServed } from "./Http/request/holdUntilServed.js"
import { redirectToFolder, takeOffBasePath } from "./Http/guard/basePath.js"
import { securityHeaders } from "./Http/guard/SecurityHeaders.js"
import * as SessionHttp from "./Http/Session.js"
import * as StacksHttp from "./Http/Stacks.js"
import * as SystemHttp from "./Http/system/System.js"
import { layerEmbedded } from "./operations/libsql/embeddedDatabase.js"
import { historyNews } from "./operations/historyNews.js"
import { defaultRetentionLimits } from "./operations/sql/retention.js"
import { Operations, type OperationsOptions } from "./operations/Operations.js"
import { OperationStore } from "./operations/OperationStore.js"
import * as Metrics from "./metrics/Metrics.js"
import type { HistoryStatus } from "./OperationSummary.js"
import { keptLogs } from "./keeping/keptLogs.js"
import { LogStore } from "./store/LogStore.js"
import { Hub } from "./rooms/Hub.js"
import { OperationHistory } from "./rooms/OperationHistory.js"
import type { HubOptions } from "./rooms/HubOptions.js"
import { TokenAttempts } from "./access/TokenAttempts.js"
import { readOnlyDocker } from "./access/readOnlyDocker.js"
import { readOrCreateToken, type ServerToken } from "./access/TokenFile.js"
import { Sockets } from "./socket/Sockets.js"
import * as WebSocket from "./socket/WebSocket.js"
import { Stacks } from "./stacks/Stacks.js"

/**
 * The settings of a server, including those that have no flag.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerOptions extends ServerConfig {
  /** How much history rooms keep, and when a viewer is too slow. */
  readonly hub?: Partial<HubOptions>
  /** How long a container is still followed after its last viewer has left. Default: 10 seconds. */
  readonly linger?: Duration.DurationInput
  /** How many operations run at once, and how long the `Idempotency-Key` of a request is remembered. */
  readonly operations?: Partial<OperationsOptions>
  /** How compose is run. Default: the compose command of this machine. */
  readonly compose?: ComposeOptions
  /** The program of the threads that keep logs, where it is not beside this code. */
  readonly logStoreProgram?: URL
  /** Time between two pings of a connection, in milliseconds. Default: 25,000. */
  readonly pingInterval?: number
  /**
   * After how long without anything else to send a connection gets an empty frame, in milliseconds. Clients reconnect after
   * 20 seconds of silence. Default: 10,000.
   */
  readonly heartbeatInterval?: number
}

/**
 * The settings of a server whose engine the program provides.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerWithDockerOptions extends Omit<ServerOptions, "engine" | "dockerHost"> {
  /** If the engine is a demo: the explanation for viewers, sent as `demo` of `engine_status`. */
  readonly demo?: string
}

/**
 * A running server.
 *
 * @since 0.1.0
 * @category services
 */
export interface ServerShape {
  /** The server's address, such as `http://127.0.0.1:7070`. */
  readonly url: string
  readonly port: number
  readonly token: Redacted.Redacted<string>
  /** Why a generated token ends with this run of the server, if it does: a sentence. */
  readonly tokenNotice?: string
  /** Whether operations outlive the server, and if not, why: a sentence. */
  readonly historyStatus: Effect.Effect<HistoryStatus>
  /** Why logs are not kept although they should be, or what is missing of those that were: a sentence. */
  readonly keptLogsProblem: Effect.Effect<string | undefined>
  /** What is missing of the stacks since the server has started, and why: sentences. */
  readonly stacksProblem: Effect.Effect<string | undefined>
  /** Whether the engine answers. Waits up to 3 seconds for the first attempt to reach it. */
  readonly engineStatus: Effect.Effect<EngineStatus>
}

const notFoundResponse = HttpServerResponse.unsafeJson(
  { _tag: "NotFound", message: "Not found. The API is described at /openapi.json." },
  { status: 404 }
)

/** HEAD is missing on purpose: the router answers it like GET when it has no route of its own. */
const notFound = (path: "*" | "/api/*") =>
  HttpLayerRouter.use((router) =>
    Effect.forEach(
      ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const,
      (method) => router.add(method, path, Effect.succeed(notFoundResponse)),
      { discard: true }
    )
  )

const accessGuard = (config: ServerConfig) =>
  HttpLayerRouter.use((router) =>
    Effect.flatMap(OperationStore, (store) => {
      const guarded = guard(accessRules(config))
      const held = afterOpening(store)
      const inFolder = redirectToFolder(basePathOf(config))
      return router.addGlobalMiddleware((app) => securityHeaders(guarded(held(inFolder(app)))))
    })
  )

const apiRoutes = Layer.mergeAll(
  HttpLayerRouter.addHttpApi(Api).pipe(
    Layer.provide([
      ContainersHttp.layer,
      EngineHttp.layer,
      ImagesHttp.layer,
      LogsHttp.layer,
      NetworksHttp.layer,
      OperationsHttp.layer,
      SessionHttp.layer,
      StacksHttp.layer,
      SystemHttp.layer,
      VolumesHttp.layer
    ]),
    Layer.provide(checkRequest.layer)
  ),
  notFound("/api/*")
)

/** Made for the first request, and kept. */
const openApiRoute = HttpLayerRouter.use((router) =>
  Effect.flatMap(Effect.cached(Effect.sync(() => HttpServerResponse.unsafeJson(openApiDocument()))), (document) =>
    router.add("GET", "/openapi.json", document)
  )
)

const routes = (config: ServerConfig) =>
  Layer.mergeAll(
    apiRoutes,
    openApiRoute,
    WebSocket.layer,
    DocsHttp.layer,
    HealthHttp.layer,
    Metrics.layer,
    PageHttp.layer(notFoundResponse),
    notFound("*")
  ).pipe(Layer.provide(requireCredential.layer), Layer.provide(accessGuard(config)), Layer.provide(declaredRouter))

const listenProblem = (config: ServerConfig, error: HttpServerError.ServeError): ConfigProblem => {
  const { cause, message } = error
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  const at = `${urlHost(config.host)}:${config.port}`
  switch (code) {
    case "EADDRINUSE":
      return new ConfigProblem(
        `Port ${config.port} on ${config.host} is already in use. Stop the process that uses it, or choose another port with --port.`,
        1
      )
    case "EACCES":
      return new ConfigProblem(`Permission denied to listen on ${at}. Choose a port of 1024 or higher with --port.`, 1)
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigProblem(
        `This machine has no address ${JSON.stringify(config.host)}. Choose one of its addresses with --host, such as 127.0.0.1.`
      )
    default:
      return new ConfigProblem(
        `Cannot listen on ${at}: ${code === "" ? message : code}. Choose another address with --host or another port with --port.`,
        1
      )
  }
}

/** Listens for requests. On shutdown, responses that are still open are cut off instead of awaited. */
const httpServer = (config: ServerConfig) =>
  Layer.unwrapEffect(
    Effect.sync(() => {
      const server = http.createServer()
      takeOffBasePath(server, basePathOf(config))
      holdUntilServed(server, "request")
      holdUntilServed(server, "upgrade")
      const listening = NodeHttpServer.layer(() => server, { port: config.port, host: config.host }).pipe(
        Layer.mapError((error) => listenProblem(config, error))
      )
      const closing = Layer.scopedDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      return Layer.provideMerge(closing, listening)
    })
  )

/** The services of a running server. */
type ServerServices = Server | Hub | LogStore | LogSink | Followers | EngineMonitor | Operations

const serverLayer = (options: ServerOptions, { notice, token }: ServerToken) =>
  Layer.scoped(
    Server,
    Effect.gen(function* () {
      const http = yield* HttpServer.HttpServer
      const sockets = yield* Sockets
      // This layer is built last and released first, so connections are closed with 1001 while everything else still runs.
      yield* Effect.addFinalizer(() => sockets.closeAll)
      const monitor = yield* EngineMonitor
      const port = http.address._tag === "TcpAddress" ? http.address.port : options.port
      const engineStatus = Effect.map(Effect.timeoutOption(monitor.whenChecked, "3 seconds"), monitor.status)
      const store = yield* OperationStore
      yield* store.opened
      const stacks = yield* Stacks
      const logs = yield* LogStore
      return {
        keptLogsProblem: Effect.map(logs.opened, () => logs.status().reason),
        engineStatus,
        historyStatus: Effect.sync(store.status),
        stacksProblem: Effect.sync(stacks.problem),
        port,
        token,
        ...(notice === undefined ? {} : { tokenNotice: notice }),
        url: `http://${urlHost(options.host)}:${port}${basePathOf(options)}`
      }
    })
  )

const keepAliveIntervals = ({ heartbeatInterval, pingInterval }: ServerWithDockerOptions) => ({
  ...(heartbeatInterval === undefined ? {} : { heartbeat: heartbeatInterval }),
  ...(pingInterval === undefined ? {} : { ping: pingInterval })
})

const authOptions = (
  { basePath, dataDir, enableExec = false, readOnly = false, tokensFile }: ServerWithDockerOptions,
  operator: Redacted.Redacted<string>
): AuthOptions => ({
  cookiePath: `${basePathOf({ basePath })}/`,
  operator,
  file: tokensFile ?? defaultTokensFile(dataDir),
  required: tokensFile !== undefined,
  readOnly,
  execEnabled: enableExec
})

const operationStore = ({ dataDir, history = {} }: ServerWithDockerOptions) =>
  history === false
    ? Layer.merge(OperationStore.layerMemory, OperationHistory.layerNone)
    : OperationStore.layerSql({ retention: { ...defaultRetentionLimits, ...history } }).pipe(
        Layer.provide(layerEmbedded(dataDir))
      )

const layerWithToken = (
  options: ServerWithDockerOptions,
  token: ServerToken
): Layer.Layer<ServerServices, ConfigProblem, Docker> => {
  const core = Layer.mergeAll(
    Containers.layer,
    Events.layer,
    Exec.layer,
    Images.layer,
    Logs.layer,
    Networks.layer,
    Stats.layer,
    System.layer,
    Volumes.layer
  ).pipe(Layer.provideMerge(RegistryAuth.layerConfig))
  // The history of a database records what the hub publishes. Without one, what memory keeps is a sink beside it.
  const sink =
    options.history === false
      ? LogSink.merge(Hub.layerSinkWithHistory, OperationStore.layerSink)
      : Hub.layerSinkWithHistory
  const hub = sink.pipe(
    Layer.provideMerge(operationStore(options)),
    Layer.provideMerge(Hub.layerWith(options.hub ?? {}))
  )
  const linger = { linger: options.linger ?? defaultLinger }
  const watching = Layer.mergeAll(Followers.layerWith(linger), StatsFollowers.layerWith(linger), historyNews).pipe(
    Layer.provideMerge(keptLogs(options)),
    Layer.provideMerge(EngineMonitor.layerWith(options)),
    Layer.provideMerge(Stacks.layer(options)),
    Layer.provideMerge(Operations.layerWith(options.operations ?? {})),
    Layer.provideMerge(hub),
    Layer.provideMerge(core)
  )
  const serving = HttpLayerRouter.serve(routes(options), { disableLogger: true, disableListenLog: true })
  return serverLayer(options, token).pipe(
    Layer.provide(serving),
    Layer.provide(
      Layer.mergeAll(
        Sockets.layer(keepAliveIntervals(options)),
        Auth.layer(authOptions(options, token.token)),
        TokenAttempts.layer
      )
    ),
    Layer.provide(httpServer(options)),
    Layer.provideMerge(watching)
  )
}

/**
 * A running server: its address, its token and the status of its engine.
 *
 * @since 0.1.0
 * @category tags
 */
export class Server extends Context.Tag("@dockwire/server/Server")<Server, ServerShape>() {
  /** Serves the engine behind `Docker` for the lifetime of the layer. */
  static readonly layerWithDocker = (
    options: ServerWithDockerOptions
  ): Layer.Layer<ServerServices, ConfigProblem, Docker> =>
    Layer.unwrapEffect(
      Effect.gen(function* () {
        const problem = validateConfig(options)
        if (problem !== undefined) return yield* Effect.fail(problem)
        const token = options.token === undefined ? yield* readOrCreateToken(options.dataDir) : { token: options.token }
        const serving = layerWithToken(options, token)
        return options.readOnly === true ? Layer.provide(serving, readOnlyDocker) : serving
      })
    )

  /**
   * Serves the engine that `engine`, `dockerHost` or the environment selects, for the lifetime of the layer. Starts even if
   * the engine is down. Besides the server, the layer provides its `Hub` and a `LogSink` that publishes to it.
   */
  static readonly layer = (
    options: ServerOptions
  ): Layer.Layer<ServerServices, ConfigProblem | InvalidRequest | ConfigError> =>
    Layer.unwrapEffect(
      Effect.gen(function* () {
        const problem = validateConfig(options)
        if (problem !== undefined) return yield* Effect.fail(problem)
        const { demo, layer } = yield* chooseEngine(options)
        return Server.layerWithDocker({ ...options, ...(demo === undefined ? {} : { demo }) }).pipe(
          Layer.provide(layer)
        )
      })
    )
}
