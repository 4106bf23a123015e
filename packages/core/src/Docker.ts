import * as Chunk from "effect/Chunk"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import Dockerode from "dockerode"
import type DockerModem from "docker-modem"
import * as http from "node:http"
import { Socket } from "node:net"
import { inspect } from "node:util"
import {
  type DockerFailure,
  EngineError,
  EngineUnavailable,
  InvalidRequest,
  type UnavailableReason
} from "./DockerError.js"
import { defaultEndpoint, type Endpoint, parseEndpoint } from "./internal/endpoint.js"
import { readableChunks } from "./internal/readableChunks.js"

/** A request to the Engine API. */
export interface DockerRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD"
  /** Without a version: `/containers/json`. Whoever builds it encodes what came from outside. */
  readonly path: string
  /** Members that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** How long the answer may take: with `json` all of it, with `stream` until it begins. Default: the layer's `requestTimeout`. */
  readonly timeout?: Duration.DurationInput
}

/** The engine's whole answer: status below 400, and its JSON (`undefined` when it has no body). */
export interface DockerAnswer {
  readonly status: number
  readonly body: unknown
}

/** An answer whose body is read as it comes. */
export interface DockerStream {
  readonly status: number
  readonly contentType: string
  /** Each element is all that came since the last was taken. Fails with `EngineUnavailable`, reason `Lost`, when it is cut. */
  readonly body: Stream.Stream<Uint8Array, EngineUnavailable>
}

/** The shape of `Docker`. */
export interface DockerShape {
  /** As a URL: `unix:///var/run/docker.sock`. */
  readonly endpoint: string
  /** Asks and reads the whole answer. A status of 400 and more is an `EngineError`. */
  readonly json: (request: DockerRequest) => Effect.Effect<DockerAnswer, DockerFailure>
  /** Asks and reads the body as it comes; the connection is closed with the scope. A status of 400 and more is an `EngineError`. */
  readonly stream: (request: DockerRequest) => Effect.Effect<DockerStream, DockerFailure, Scope.Scope>
}

/** How to reach an engine. */
export interface DockerOptions {
  /** `unix:///path` or `tcp://host:port`; `unix:///var/run/docker.sock` when not given. */
  readonly endpoint?: string
  /** How long making a connection may take. Default 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput
  /** How long an answer may take, unless the request says otherwise. Default 60 seconds. */
  readonly requestTimeout?: Duration.DurationInput
}

const everyStatus: DockerModem.StatusCodes = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [index + 100, true])
)

const reasons: Record<string, UnavailableReason> = {
  ENOENT: "NotFound",
  ENOTDIR: "NotFound",
  ENOTFOUND: "NotFound",
  EAI_AGAIN: "NotFound",
  EHOSTUNREACH: "NotFound",
  ENETUNREACH: "NotFound",
  ECONNREFUSED: "Refused",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  ETIMEDOUT: "TimedOut"
}

/** Whether a timer can measure it; Node's fire at once when they are set beyond 24 days. */
const isLimit = (duration: Duration.Duration): boolean => Duration.toMillis(duration) < 2 ** 31

/** An agent that gives up connecting after a time: Node's own timeouts can't tell that from a slow answer. */
class ConnectTimeoutAgent extends http.Agent {
  constructor(readonly connectTimeout: Duration.Duration) {
    super({ keepAlive: true })
  }

  /** dockerode writes every request out for a debug log, wanted or not; an agent in full takes milliseconds. */
  [inspect.custom]() {
    return "ConnectTimeoutAgent"
  }

  override createConnection(...args: Parameters<http.Agent["createConnection"]>) {
    const socket = super.createConnection(...args)
    // An abort reaches the socket itself, also in the moment between two requests, when nobody else listens.
    if (socket instanceof Socket) socket.on("error", () => {})
    if (socket instanceof Socket && socket.connecting && isLimit(this.connectTimeout)) {
      const limit = Duration.toMillis(this.connectTimeout)
      const timer = setTimeout(() => {
        socket.destroy(Object.assign(new Error(`no connection after ${limit} ms`), { code: "ETIMEDOUT" }))
      }, limit)
      // A peer that vanished without a word must not leave a follow waiting for ever.
      socket.setKeepAlive(true, 15_000)
      const clear = () => clearTimeout(timer)
      socket.once("connect", clear)
      socket.once("close", clear)
    }
    return socket
  }
}

/** An abort controller whose signal is cheap to write out, for the same reason as the agent. */
const quietController = (): AbortController => {
  const controller = new AbortController()
  Object.defineProperty(controller.signal, inspect.custom, { value: () => "AbortSignal" })
  return controller
}

/** A request under way. */
interface Connection {
  /** The answer has come: no longer is there a limit to its time. */
  readonly settle: () => void
  /** Gives up, unless the answer has been read to its end. */
  readonly close: () => void
}

const utf8 = new TextDecoder()

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const engineWords = (text: string): string => {
  const json = parseJson(text)
  const words = typeof json === "object" && json !== null && "message" in json ? json.message : text
  return typeof words === "string" ? words.trim() : text.trim()
}

const make = (endpoint: Endpoint, options: DockerOptions): Effect.Effect<DockerShape, InvalidRequest, Scope.Scope> =>
  Effect.gen(function* () {
    const agent = yield* Effect.acquireRelease(
      Effect.sync(() => new ConnectTimeoutAgent(Duration.decode(options.connectTimeout ?? "10 seconds"))),
      (agent) => Effect.sync(() => agent.destroy())
    )
    const requestTimeout = Duration.decode(options.requestTimeout ?? "60 seconds")

    // All that dockerode would else take from the environment is set here, so that only what was asked for counts.
    const dockerode = {
      host: endpoint._tag === "Tcp" ? endpoint.host : undefined,
      port: endpoint._tag === "Tcp" ? endpoint.port : undefined,
      socketPath: endpoint._tag === "Unix" ? endpoint.socketPath : undefined,
      protocol: "http" as const,
      ca: undefined,
      cert: undefined,
      key: undefined,
      timeout: undefined,
      agent
    }
    const modem: DockerModem = yield* Effect.try({
      try: () => new Dockerode(dockerode).modem,
      // It reads the environment all the same, and throws when what is named there is not to be read.
      catch: (error) =>
        new InvalidRequest({ field: "DOCKER_HOST or DOCKER_CERT_PATH", value: endpoint.url, detail: String(error) })
    })

    const unavailable = (error: Error | undefined) => {
      const code = error !== undefined && "code" in error ? String(error.code) : ""
      return new EngineUnavailable({
        endpoint: endpoint.url,
        reason: reasons[code] ?? "Lost",
        detail: error?.message ?? "the connection was closed"
      })
    }

    /** Sends the request; the answer, or that there is none in time, comes back by one of the two. Gives what ends it. */
    const dial = (
      request: DockerRequest,
      onResponse: (response: http.IncomingMessage) => void,
      onFailure: (error: EngineUnavailable) => void
    ): Connection => {
      const controller = quietController()
      const timeout = Duration.decode(request.timeout ?? requestTimeout)
      let open = true
      const connection: Connection = {
        settle: () => clearTimeout(timer),
        close: () => {
          clearTimeout(timer)
          if (open) controller.abort()
        }
      }
      const timer = isLimit(timeout)
        ? setTimeout(() => {
            const detail = `no answer to ${request.method} ${request.path} after ${Duration.format(timeout)}`
            onFailure(new EngineUnavailable({ endpoint: endpoint.url, reason: "TimedOut", detail }))
            connection.close()
          }, Duration.toMillis(timeout))
        : undefined
      const query = Object.entries(request.query ?? {}).filter((entry) => entry[1] !== undefined)
      modem.dial(
        {
          path: query.length === 0 ? request.path : `${request.path}?`,
          method: request.method,
          isStream: true,
          statusCodes: everyStatus,
          abortSignal: controller.signal,
          options: { _query: Object.fromEntries(query), _body: request.body ?? {} }
        },
        (error, response) => {
          if (response instanceof http.IncomingMessage) {
            // An abort costs an exception and the connection; one that has been read to its end is kept for the next.
            response.once("end", () => {
              open = false
            })
            response.on("error", () => {})
            onResponse(response)
          } else {
            connection.close()
            onFailure(unavailable(error ?? undefined))
          }
        }
      )
      return connection
    }

    const refused = (request: DockerRequest, status: number, text: string) =>
      new EngineError({ request: `${request.method} ${request.path}`, status, detail: engineWords(text) })

    /** A kept connection may have been closed by an engine that was restarted meanwhile; what only reads is asked again. */
    const again = <A, E, R>(
      request: DockerRequest,
      attempt: Effect.Effect<A, E | EngineUnavailable, R>
    ): Effect.Effect<A, E | EngineUnavailable, R> =>
      request.method === "GET"
        ? Effect.catchIf(
            attempt,
            (error) => error instanceof EngineUnavailable && error.reason === "Lost",
            () => attempt
          )
        : attempt

    const stream = (request: DockerRequest) =>
      Effect.gen(function* () {
        const opened = Effect.gen(function* () {
          let connection: Connection | undefined
          // Closing with the scope, and not by a finalizer of the response, also covers an interrupt in mid-flight.
          yield* Effect.addFinalizer(() => Effect.sync(() => connection?.close()))
          return yield* Effect.async<http.IncomingMessage, EngineUnavailable>((resume) => {
            connection = dial(
              request,
              (response) => {
                connection?.settle()
                resume(Effect.succeed(response))
              },
              (error) => resume(Effect.fail(error))
            )
          })
        })
        const response = yield* again(request, opened)
        const status = response.statusCode ?? 0
        const body = readableChunks(response, unavailable)
        if (status < 400) return { status, contentType: response.headers["content-type"] ?? "", body }
        const chunks = yield* Stream.runCollect(body)
        return yield* refused(request, status, utf8.decode(Buffer.concat(Chunk.toReadonlyArray(chunks))))
      })

    // By callbacks to the end: a stream and its scope would cost ten times what the request does.
    const json = (request: DockerRequest) =>
      again(
        request,
        Effect.async<DockerAnswer, DockerFailure>((resume) => {
          const connection = dial(
            request,
            (response) => {
              const chunks: Array<Buffer> = []
              response.on("data", (chunk: Buffer) => chunks.push(chunk))
              response.once("end", () => {
                connection.settle()
                const status = response.statusCode ?? 0
                const text = utf8.decode(Buffer.concat(chunks))
                resume(
                  status < 400
                    ? Effect.succeed({ status, body: text === "" ? undefined : parseJson(text) })
                    : Effect.fail(refused(request, status, text))
                )
              })
              response.once("close", () => {
                connection.settle()
                // The first answer counts: behind an end this says nothing.
                resume(Effect.fail(unavailable(response.errored ?? undefined)))
              })
            },
            (error) => resume(Effect.fail(error))
          )
          return Effect.sync(connection.close)
        })
      )

    return { endpoint: endpoint.url, json, stream }
  })

/**
 * The one door to the engine. Everything else in this package asks through it, and what comes out when it goes wrong is
 * one of two: the engine answered (`EngineError`: status and its words), or it could not be reached or was lost
 * (`EngineUnavailable`). No API version is sent, so any engine answers with the newest that it knows.
 */
export class Docker extends Context.Tag("@dockwire/core/Docker")<Docker, DockerShape>() {
  /** An engine at a given place. Nothing is connected before the first request. */
  static readonly layer = (options: DockerOptions = {}): Layer.Layer<Docker, InvalidRequest> =>
    Layer.scoped(
      Docker,
      Effect.flatMap(parseEndpoint(options.endpoint ?? defaultEndpoint), (endpoint) => make(endpoint, options))
    )

  /** The engine that `DOCKER_HOST` names, else the one at `unix:///var/run/docker.sock`. */
  static readonly layerConfig: Layer.Layer<Docker, InvalidRequest | ConfigError> = Layer.unwrapEffect(
    Config.string("DOCKER_HOST").pipe(
      Config.withDefault(""),
      Effect.map((host) => Docker.layer(host.trim() === "" ? {} : { endpoint: host.trim() }))
    )
  )
}
