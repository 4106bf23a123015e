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
import { Duplex } from "node:stream"
import { inspect } from "node:util"
import {
  type DockerFailure,
  EngineError,
  EngineUnavailable,
  type InvalidRequest,
  type UnavailableReason
} from "./DockerError.js"
import { findEndpoint } from "./internal/connection/dockerContext.js"
import { defaultEndpoint, type Endpoint, parseEndpoint, type TlsOptions } from "./internal/connection/endpoint.js"
import { engineAgent, retire } from "./internal/connection/engineAgent.js"
import { readableChunks } from "./internal/connection/readableChunks.js"
import { streamReadable } from "./internal/connection/streamReadable.js"

/** A request to the Engine API. */
export interface DockerRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD"
  /** Without a version: `/containers/json`. Whoever builds it encodes what came from outside. */
  readonly path: string
  /** Members that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON, whatever the method. */
  readonly body?: unknown
  /** Sent in place of `body` as it comes, no faster than the engine takes it: a tar. */
  readonly upload?: Stream.Stream<Uint8Array>
  /**
   * How long the answer may take: with `json` all of it, with `stream` until it begins; behind an `upload` counted from its
   * end. Default: the layer's `requestTimeout`.
   */
  readonly timeout?: Duration.DurationInput
}

/** The engine's whole answer: status below 400, and its JSON (`undefined` when it has no body). */
export interface DockerAnswer {
  readonly status: number
  readonly body: unknown
  /** Of the answer, their names in lower case. Missing where there are none. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer whose body is read as it comes. */
export interface DockerStream {
  readonly status: number
  readonly contentType: string
  /** Of the answer, their names in lower case. Missing where there are none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Each element is all that came since the last was taken. Fails with `EngineUnavailable`, reason `Lost`, when it is cut. */
  readonly body: Stream.Stream<Uint8Array, EngineUnavailable>
}

/** A connection that goes both ways. */
export interface DockerDuplex {
  /** What comes, as it comes. Fails with `EngineUnavailable`, reason `Lost`, when the connection breaks. */
  readonly output: Stream.Stream<Uint8Array, EngineUnavailable>
  /** Done when there is room for more. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, EngineUnavailable>
  /** Says that no more is written; what comes goes on. */
  readonly end: Effect.Effect<void>
}

export type { TlsOptions } from "./internal/connection/endpoint.js"

/** The shape of `Docker`. */
export interface DockerShape {
  /** As a URL: `unix:///var/run/docker.sock`. */
  readonly endpoint: string
  /** Asks and reads the whole answer. A status of 400 and more is an `EngineError`. */
  readonly json: (request: DockerRequest) => Effect.Effect<DockerAnswer, DockerFailure>
  /** Asks and reads the body as it comes; the connection is closed with the scope. A status of 400 and more is an `EngineError`. */
  readonly stream: (request: DockerRequest) => Effect.Effect<DockerStream, DockerFailure, Scope.Scope>
  /**
   * Asks and takes the connection over, to write on it as well; it is closed with the scope. A status of 400 and more is an
   * `EngineError`, and so is any answer that does not hand the connection over.
   */
  readonly hijack: (request: DockerRequest) => Effect.Effect<DockerDuplex, DockerFailure, Scope.Scope>
}

/** How to reach an engine. */
export interface DockerOptions {
  /** `unix:///path`, `tcp://host[:port]` or `ssh://[user@]host[:port]`; `unix:///var/run/docker.sock` when not given. */
  readonly endpoint?: string
  /** For `tcp://`: reaches the engine over TLS. */
  readonly tls?: TlsOptions
  /** How long making a connection may take. Default 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput
  /** How long an answer may take, unless the request says otherwise. Default 60 seconds. */
  readonly requestTimeout?: Duration.DurationInput
}

/** Which engine the docker command would use. */
export interface ConfiguredDocker extends DockerOptions {
  readonly endpoint: string
  /**
   * Whether the environment or the command's configuration says anything of the engine, if only that it is the default one;
   * else nobody has chosen this endpoint.
   */
  readonly configured: boolean
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

/** What OpenSSL says of a certificate, the engine's or ours, that is not to be trusted. */
const certificateCode = /CERT|_ISSUER|_LEAF_SIGNATURE|ALERT_(UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/

/** An error's own words; of those of OpenSSL only what says something. */
const wordsOf = (error: Error): string =>
  "library" in error && "reason" in error ? `TLS: ${String(error.reason)}` : error.message

const reasonOf = (code: string): UnavailableReason =>
  reasons[code] ?? (certificateCode.test(code) ? "PermissionDenied" : "Lost")

/** An abort controller whose signal is cheap to write out, as dockerode writes every request out for a debug log, wanted or not. */
const quietController = (): AbortController => {
  const controller = new AbortController()
  Object.defineProperty(controller.signal, inspect.custom, { value: () => "AbortSignal" })
  return controller
}

/** What a timer of Node can hold; one of more would go off at once. */
const longestTimer = 2 ** 31 - 1

/**
 * The modem reads the environment even where everything is told, and throws when a file that is named there can't be read:
 * it must not see it. Nothing else runs meanwhile.
 */
const withoutDockerHost = (make: () => DockerModem): DockerModem => {
  const host = process.env["DOCKER_HOST"]
  delete process.env["DOCKER_HOST"]
  try {
    return make()
  } finally {
    if (host !== undefined) process.env["DOCKER_HOST"] = host
  }
}

/** Bytes of a refusal that are read. */
const longestRefusal = 64 * 1024

/** How long the rest of a stream's refusal may take. */
const refusalTimeout = Duration.seconds(5)

/** A request under way. */
interface Exchange {
  /** The answer has come: no longer is there a limit to its time. */
  readonly settle: () => void
  /** Gives up, unless the answer has been read to its end. */
  readonly close: () => void
}

const utf8 = new TextDecoder()

const headersOf = ({ headers }: http.IncomingMessage): Record<string, string> => {
  const texts: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) texts[name] = typeof value === "string" ? value : value.join(", ")
  }
  return texts
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const jsonBody = (body: unknown): Buffer | undefined =>
  body === undefined ? undefined : Buffer.from(JSON.stringify(body))

const engineWords = (text: string): string => {
  const json = parseJson(text)
  const words = typeof json === "object" && json !== null && "message" in json ? json.message : text
  return (typeof words === "string" ? words : text).slice(0, longestRefusal).trim()
}

const make = (endpoint: Endpoint, options: DockerOptions): Effect.Effect<DockerShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const agent = yield* Effect.acquireRelease(
      Effect.sync(() => engineAgent(endpoint, Duration.decode(options.connectTimeout ?? "10 seconds"))),
      (agent) => Effect.sync(() => retire(agent))
    )
    const requestTimeout = Duration.decode(options.requestTimeout ?? "60 seconds")
    const runtime = yield* Effect.runtime()

    // All that dockerode would else take from the environment is set here, so that only what was asked for counts.
    const dockerode = {
      host: endpoint._tag === "Unix" ? undefined : endpoint.host,
      port: endpoint._tag === "Tcp" ? endpoint.port : undefined,
      socketPath: endpoint._tag === "Unix" ? endpoint.socketPath : undefined,
      // Over ssh the agent makes the connection; what goes over it is plain.
      protocol: endpoint._tag === "Tcp" && endpoint.tls !== undefined ? ("https" as const) : ("http" as const),
      ca: undefined,
      cert: undefined,
      key: undefined,
      timeout: undefined,
      agent
    }
    const modem = yield* Effect.sync(() => withoutDockerHost(() => new Dockerode(dockerode).modem))

    const unavailable = (error: Error | undefined) => {
      const code = error !== undefined && "code" in error ? String(error.code) : ""
      return new EngineUnavailable({
        endpoint: endpoint.url,
        reason: reasonOf(code),
        detail: error === undefined ? "the connection was closed" : wordsOf(error)
      })
    }

    /** Sends the request; the answer, or that there is none in time, comes back by one of the two. Gives what ends it. */
    const dial = (
      request: DockerRequest,
      onResponse: (response: http.IncomingMessage) => void,
      onFailure: (error: DockerFailure) => void,
      onUpgrade?: (socket: Duplex) => void
    ): Exchange => {
      const controller = quietController()
      let upgraded: Duplex | undefined
      const timeout = Duration.decode(request.timeout ?? requestTimeout)
      const upload = request.upload === undefined ? undefined : streamReadable(request.upload, runtime)
      let open = true
      let settled = false
      let timer: NodeJS.Timeout | undefined
      const connection: Exchange = {
        settle: () => {
          settled = true
          clearTimeout(timer)
        },
        close: () => {
          connection.settle()
          upload?.destroy()
          if (open) controller.abort()
          upgraded?.destroy()
        }
      }
      const startTimer = () => {
        if (settled || !Duration.isFinite(timeout)) return
        timer = setTimeout(
          () => {
            const detail = `no answer to ${request.method} ${request.path} after ${Duration.format(timeout)}`
            onFailure(new EngineUnavailable({ endpoint: endpoint.url, reason: "TimedOut", detail }))
            connection.close()
          },
          Math.min(Duration.toMillis(timeout), longestTimer)
        )
      }
      if (upload === undefined) startTimer()
      else upload.once("end", startTimer)
      const query = Object.entries(request.query ?? {}).filter((entry) => entry[1] !== undefined)
      try {
        modem.dial(
          {
            path: query.length === 0 ? request.path : `${request.path}?`,
            method: request.method,
            isStream: true,
            statusCodes: everyStatus,
            abortSignal: controller.signal,
            hijack: onUpgrade !== undefined,
            // The modem's own way for a body sends one with POST alone. Without a body it announces chunks for a connection
            // that is to be handed over, and what ends them would come to Podman as input of the container.
            file: upload ?? jsonBody(request.body) ?? (onUpgrade === undefined ? undefined : Buffer.alloc(0)),
            headers: upload === undefined && request.body !== undefined ? { "Content-Type": "application/json" } : {},
            options: { _query: Object.fromEntries(query), _body: {} }
          },
          (error, response) => {
            if (response instanceof http.IncomingMessage) {
              // An abort costs an exception and the connection; one that has been read to its end is kept for the next.
              response.once("end", () => {
                // An engine that refuses need not have heard all of it.
                if (upload !== undefined && !upload.readableEnded) connection.close()
                open = false
              })
              response.on("error", () => {})
              onResponse(response)
            } else if (response instanceof Duplex && onUpgrade !== undefined) {
              upgraded = response
              response.on("error", () => {})
              onUpgrade(response)
            } else {
              connection.close()
              onFailure(unavailable(error ?? undefined))
            }
          }
        )
      } catch (error) {
        // What can't be written as a query or as JSON is the caller's, and nothing has been asked.
        connection.close()
        onFailure(refused(request, 400, `nothing was asked: ${String(error)}`))
      }
      return connection
    }

    const refused = (request: DockerRequest, status: number, text: string) =>
      new EngineError({ request: `${request.method} ${request.path}`, status, detail: engineWords(text) })

    /** A kept connection may have been closed by an engine that was restarted meanwhile; what only reads is asked again. */
    const again = <A, E, R>(
      request: DockerRequest,
      attempt: Effect.Effect<A, E | EngineUnavailable, R>
    ): Effect.Effect<A, E | EngineUnavailable, R> =>
      request.method === "GET" || request.method === "HEAD"
        ? Effect.catchIf(
            attempt,
            (error) => error instanceof EngineUnavailable && error.reason === "Lost",
            () => attempt
          )
        : attempt

    /** The engine's words are short; of a web page that answers in its place, or of what never ends, the beginning is enough. */
    const refusal = (request: DockerRequest, response: http.IncomingMessage) =>
      Effect.suspend(() => {
        const chunks: Array<Uint8Array> = []
        let left = longestRefusal
        return readableChunks(response, unavailable).pipe(
          Stream.takeUntil((chunk) => (left -= chunk.length) <= 0),
          Stream.runForEach((chunk) => Effect.sync(() => void chunks.push(chunk))),
          Effect.timeoutOption(refusalTimeout),
          Effect.flatMap(() => {
            const words = utf8.decode(Buffer.concat(chunks).subarray(0, longestRefusal))
            return Effect.fail(refused(request, response.statusCode ?? 0, words))
          })
        )
      })

    /** The answer, and with `upgrade` the connection instead where the engine hands it over. */
    const open = (request: DockerRequest, upgrade: boolean) =>
      Effect.gen(function* () {
        let connection: Exchange | undefined
        // Closing with the scope, and not by a finalizer of the response, also covers an interrupt in mid-flight.
        yield* Effect.addFinalizer(() => Effect.sync(() => connection?.close()))
        return yield* Effect.async<http.IncomingMessage | Duplex, DockerFailure>((resume) => {
          const settled = (answer: http.IncomingMessage | Duplex) => {
            connection?.settle()
            resume(Effect.succeed(answer))
          }
          connection = dial(request, settled, (error) => resume(Effect.fail(error)), upgrade ? settled : undefined)
        })
      })

    const stream = (request: DockerRequest) =>
      Effect.gen(function* () {
        const response = yield* again(request, open(request, false))
        if (response instanceof Duplex) return yield* Effect.fail(unavailable(undefined))
        const status = response.statusCode ?? 0
        if (status >= 400) return yield* refusal(request, response)
        const body = readableChunks(response, unavailable)
        return { status, contentType: response.headers["content-type"] ?? "", headers: headersOf(response), body }
      })

    const hijack = (request: DockerRequest) =>
      Effect.gen(function* () {
        const socket = yield* open(request, true)
        if (!(socket instanceof Duplex)) {
          if ((socket.statusCode ?? 0) >= 400) return yield* refusal(request, socket)
          const words =
            "the connection was not handed over; is there a proxy before the engine that does not pass upgrades on?"
          return yield* refused(request, socket.statusCode ?? 0, words)
        }
        const write = (bytes: Uint8Array) =>
          Effect.async<void, EngineUnavailable>((resume) => {
            socket.write(bytes, (error) => resume(error ? Effect.fail(unavailable(error)) : Effect.void))
          })
        const duplex: DockerDuplex = {
          output: readableChunks(socket, unavailable),
          write,
          end: Effect.sync(() => {
            socket.end()
          })
        }
        return duplex
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
              const status = response.statusCode ?? 0
              let left = status < 400 ? Number.POSITIVE_INFINITY : longestRefusal
              response.on("data", (chunk: Buffer) => {
                chunks.push(chunk)
                left -= chunk.length
                if (left > 0) return
                resume(Effect.fail(refused(request, status, utf8.decode(Buffer.concat(chunks)))))
                connection.close()
              })
              response.once("end", () => {
                connection.settle()
                const text = utf8.decode(Buffer.concat(chunks))
                resume(
                  status < 400
                    ? Effect.succeed({
                        status,
                        headers: headersOf(response),
                        body: text === "" ? undefined : parseJson(text)
                      })
                    : Effect.fail(refused(request, status, text))
                )
              })
              response.once("close", () => {
                // Behind its end this says nothing, and an error is costly to make.
                if (response.readableEnded) return
                connection.settle()
                resume(Effect.fail(unavailable(response.errored ?? undefined)))
              })
            },
            (error) => resume(Effect.fail(error))
          )
          return Effect.sync(connection.close)
        })
      )

    return { endpoint: endpoint.url, hijack, json, stream }
  })

/**
 * The one door to the engine. Everything else in this package asks through it, and what comes out when it goes wrong is
 * one of two: the engine answered (`EngineError`: status and its words), or it could not be reached or was lost
 * (`EngineUnavailable`). No API version is sent, so any engine answers with the newest that it knows.
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
 */
export class Docker extends Context.Tag("@dockwire/core/Docker")<Docker, DockerShape>() {
  /** An engine at a given place. Nothing is connected before the first request. */
  static readonly layer = (options: DockerOptions = {}): Layer.Layer<Docker, InvalidRequest> =>
    Layer.scoped(
      Docker,
      Effect.flatMap(parseEndpoint(options.endpoint ?? defaultEndpoint, options.tls), (endpoint) =>
        make(endpoint, options)
      )
    )

  /**
   * Which engine the docker command would use: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`), else the
   * context that `DOCKER_CONTEXT` or the command's configuration names, else `unix:///var/run/docker.sock`. Nothing is asked
   * of the engine.
   */
  static readonly configured: Effect.Effect<ConfiguredDocker, InvalidRequest | ConfigError> = Effect.map(
    findEndpoint,
    ({ configured, endpoint = defaultEndpoint, tls }) => ({
      configured,
      endpoint,
      ...(tls === undefined ? {} : { tls })
    })
  )

  /** The engine that the docker command would use: that of `Docker.configured`. */
  static readonly layerConfig: Layer.Layer<Docker, InvalidRequest | ConfigError> = Layer.unwrapEffect(
    Effect.map(Docker.configured, (options) => Docker.layer(options))
  )
}
