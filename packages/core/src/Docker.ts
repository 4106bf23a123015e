/**
 * The connection to a Docker engine: requests to its API, and what they can fail with.
 *
 * @since 0.1.0
 */
import type { ConfigError } from "effect/ConfigError"
import type * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import Dockerode from "dockerode"
import type DockerModem from "docker-modem"
import type { Agent } from "node:http"
import type { Duplex } from "node:stream"
import { inspect, type InspectOptions } from "node:util"
import type { DockerFailure, EngineUnavailable, InvalidRequest } from "./DockerError.js"
import { openInScope } from "./internal/api/scopedResource.js"
import { findEndpoint } from "./internal/connection/dockerContext.js"
import { defaultEndpoint, type Endpoint, parseEndpoint, type TlsOptions } from "./internal/connection/endpoint.js"
import { closeIdleSockets, makeEngineAgent } from "./internal/connection/engineAgent.js"
import type { Dial } from "./internal/connection/exchange.js"
import { requestJson, requestStream, requestUpgrade } from "./internal/connection/requests.js"

export type { TlsOptions } from "./internal/connection/endpoint.js"

/**
 * A request to the Engine API.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD"
  /** Without an API version, such as `/containers/json`. The caller encodes the segments. */
  readonly path: string
  /** `undefined` values are left out. Several values are sent as several parameters of that name. */
  readonly query?: Readonly<Record<string, string | number | boolean | ReadonlyArray<string> | undefined>>
  /** Besides those that follow from the other fields. Several values are sent as several headers. */
  readonly headers?: Readonly<Record<string, string | ReadonlyArray<string> | Redacted.Redacted>>
  /** Sent as JSON, whatever the method. */
  readonly body?: unknown
  /** Sent instead of `body`, such as a tar archive. Pulled no faster than the engine reads it. */
  readonly upload?: Stream.Stream<Uint8Array>
  /**
   * With `json`, the time until the whole response has arrived; with `stream` and `hijack`, until its head has arrived.
   * An upload is not counted: the time starts at its end, and also limits how long the engine may accept nothing of it.
   * Default: the layer's `requestTimeout`.
   */
  readonly timeout?: Duration.DurationInput
}

/**
 * A whole response with a status below 400.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerResponse {
  readonly status: number
  /** Parsed from JSON; the text if it is not JSON, and `undefined` if it is empty. */
  readonly body: unknown
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * A response whose body is read as it arrives.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerStream {
  readonly status: number
  readonly contentType: string
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Each element holds all bytes that have arrived since the previous one was pulled. Fails with `EngineUnavailable`,
   * reason `Lost`, if the connection breaks.
   */
  readonly body: Stream.Stream<Uint8Array, EngineUnavailable>
}

/**
 * An upgraded connection, on which both sides send bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerDuplex {
  /** The bytes from the engine. Fails with `EngineUnavailable`, reason `Lost`, if the connection breaks. */
  readonly output: Stream.Stream<Uint8Array, EngineUnavailable>
  /**
   * `Stream.toPull(output)` at a lower cost: running a stream takes more CPU time than a short exchange. Use either this or
   * `output`.
   */
  readonly pull?: Effect.Effect<
    Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<EngineUnavailable>>,
    never,
    Scope.Scope
  >
  /** The connection itself, for a protocol that Node implements. Use either this or the other members. */
  readonly socket?: Duplex
  /** Completes when the bytes are written, which applies backpressure. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, EngineUnavailable>
  /** Closes the writing side. `output` continues. */
  readonly end: Effect.Effect<void>
}

/**
 * The service `Docker`.
 *
 * @since 0.1.0
 * @category services
 */
export interface DockerShape {
  /** The engine's address as a URL, such as `unix:///var/run/docker.sock`. */
  readonly endpoint: string
  /** The certificates for the endpoint, for programs that connect to it by themselves. */
  readonly tls?: TlsOptions
  /** Why nothing may be changed through this connection, if so: a sentence. Commands of compose, which has its own, are refused. */
  readonly onlyReads?: string
  /** Sends a request and reads the whole response. A status of 400 or more is an `EngineError`. */
  readonly json: (request: DockerRequest) => Effect.Effect<DockerResponse, DockerFailure>
  /**
   * Sends a request and streams the body of the response. Closing the scope closes the connection. A status of 400 or
   * more is an `EngineError`.
   */
  readonly stream: (request: DockerRequest) => Effect.Effect<DockerStream, DockerFailure, Scope.Scope>
  /**
   * Sends a request that upgrades the connection. Closing the scope closes the connection. Any response other than an
   * upgrade is an `EngineError`.
   */
  readonly hijack: (request: DockerRequest) => Effect.Effect<DockerDuplex, DockerFailure, Scope.Scope>
}

/**
 * How to connect to an engine.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerOptions {
  /**
   * `unix:///path`, `tcp://host[:port]` or `ssh://[user@]host[:port]`. Default `unix:///var/run/docker.sock`.
   */
  readonly endpoint?: string
  /** Connects to a `tcp://` endpoint over TLS. */
  readonly tls?: TlsOptions
  /** How long establishing a connection may take. Default 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput
  /** How long a response may take, unless the request has a `timeout`. Default 60 seconds. */
  readonly requestTimeout?: Duration.DurationInput
}

/**
 * The engine that the docker CLI would use.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConfiguredDocker extends DockerOptions {
  readonly endpoint: string
  /**
   * Whether the environment or the CLI's configuration selects an engine, or might, as it cannot be read. If not, `endpoint`
   * is the default one.
   */
  readonly configured: boolean
  /** Why the CLI's configuration was ignored: it is broken. The next time it may be whole again. */
  readonly warning?: string
}

/** docker-modem treats every status that is not listed as an error. */
const everyStatus: DockerModem.StatusCodes = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [index + 100, true])
)

/**
 * docker-modem reads the environment even if it is given every option, and throws if it cannot read the certificates
 * that are configured there. It does neither without DOCKER_HOST. This is synchronous, so nothing else sees the change.
 */
const withoutDockerHost = <A>(create: () => A): A => {
  const host = process.env["DOCKER_HOST"]
  delete process.env["DOCKER_HOST"]
  try {
    return create()
  } finally {
    if (host !== undefined) process.env["DOCKER_HOST"] = host
  }
}

/** docker-modem prints requests in its debug log. Build arguments are left out there; secret headers hide themselves. */
const hideBuildArgs = (modem: DockerModem): DockerModem => {
  const send = modem["buildRequest"].bind(modem)
  const hide = (...parameters: Parameters<typeof send>) => {
    const [options] = parameters
    if (options.path?.includes("buildargs=") === true) {
      const shown = { ...options, path: options.path.replace(/([?&]buildargs=)[^&]*/, "$1<redacted>") }
      Object.defineProperty(options, inspect.custom, {
        value: (_depth: number, format: InspectOptions) => inspect(shown, format)
      })
    }
    send(...parameters)
  }
  return Object.defineProperty(modem, "buildRequest", { value: hide })
}

const makeModem = (endpoint: Endpoint, agent: Agent): DockerModem => {
  // Every option that docker-modem would otherwise take from the environment.
  const options = {
    host: endpoint._tag === "Unix" ? undefined : endpoint.host,
    port: endpoint._tag === "Tcp" ? endpoint.port : undefined,
    socketPath: endpoint._tag === "Unix" ? endpoint.socketPath : undefined,
    // The agent opens the ssh connection. What is sent over it is plain HTTP.
    protocol: endpoint._tag === "Tcp" && endpoint.tls !== undefined ? ("https" as const) : ("http" as const),
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
    agent
  }
  return hideBuildArgs(withoutDockerHost(() => new Dockerode(options).modem))
}

const dialWith =
  (modem: DockerModem): Dial =>
  ({ body, headers, method, path, query, signal, upgrade }, callback) =>
    modem.dial(
      {
        path: Object.keys(query).length === 0 ? path : `${path}?`,
        method,
        isStream: true,
        statusCodes: everyStatus,
        abortSignal: signal,
        hijack: upgrade,
        // docker-modem sends a JSON body with POST only, but a file with every method.
        file: body,
        headers,
        options: { _query: query, _body: {} }
      },
      callback
    )

const make = (endpoint: Endpoint, options: DockerOptions): Effect.Effect<DockerShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const connectTimeout = Duration.decode(options.connectTimeout ?? "10 seconds")
    const agent = yield* Effect.acquireRelease(
      Effect.sync(() => makeEngineAgent(endpoint, connectTimeout)),
      (agent) => Effect.sync(() => closeIdleSockets(agent))
    )
    const modem = yield* Effect.sync(() => makeModem(endpoint, agent))
    const connection = {
      endpoint: endpoint.url,
      dial: dialWith(modem),
      requestTimeout: Duration.decode(options.requestTimeout ?? "60 seconds"),
      runtime: yield* Effect.runtime()
    }
    return {
      endpoint: endpoint.url,
      ...(endpoint._tag === "Tcp" && endpoint.tls !== undefined ? { tls: endpoint.tls } : {}),
      json: (request) => requestJson(connection, request),
      stream: (request) => openInScope(requestStream(connection, request)),
      hijack: (request) => openInScope(requestUpgrade(connection, request))
    }
  })

/**
 * The connection to an engine. Every other service of this package sends its requests through it. A request fails with
 * `EngineError` if the engine answers with an error, and with `EngineUnavailable` if it cannot be reached or the
 * connection is lost. No API version is sent, so every engine answers with the newest version that it supports.
 *
 * @example
 * ```ts
 * import { Docker } from "@dockwire/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const docker = yield* Docker
 *   const { body, status } = yield* docker.json({ method: "GET", path: "/_ping", timeout: "5 seconds" })
 *   return `${docker.endpoint} answers ${status} ${body}`
 * })
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(Docker.layerConfig))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Docker extends Context.Tag("@dockwire/core/Docker")<Docker, DockerShape>() {
  /**
   * An engine at a given endpoint. The first request connects to it.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer = (options: DockerOptions = {}): Layer.Layer<Docker, InvalidRequest> =>
    Layer.scoped(
      Docker,
      Effect.flatMap(parseEndpoint(options.endpoint ?? defaultEndpoint, options.tls), (endpoint) =>
        make(endpoint, options)
      )
    )

  /**
   * Finds the engine that the docker CLI would use, without connecting to it: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY` and
   * `DOCKER_CERT_PATH`), else the context in `DOCKER_CONTEXT` or the CLI's configuration, else
   * `unix:///var/run/docker.sock`. As for the CLI, a broken configuration is a warning, and a broken context an error.
   *
   * @since 0.1.0
   * @category constructors
   */
  static readonly configured: Effect.Effect<ConfiguredDocker, InvalidRequest | ConfigError> = Effect.map(
    findEndpoint,
    ({ configured, endpoint = defaultEndpoint, tls, warning }) => ({
      configured,
      endpoint,
      ...(tls === undefined ? {} : { tls }),
      ...(warning === undefined ? {} : { warning })
    })
  )

  /**
   * The engine that the docker CLI would use, as `Docker.configured` finds it.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layerConfig: Layer.Layer<Docker, InvalidRequest | ConfigError> = Layer.unwrapEffect(
    Effect.map(Docker.configured, (options) => Docker.layer(options))
  )
}
