import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"
import { Duplex } from "node:stream"
import type { DockerDuplex, DockerRequest, DockerResponse, DockerStream } from "../../Docker.js"
import { type DockerFailure, EngineUnavailable } from "../../DockerError.js"
import { type EngineConnection, Exchange } from "./exchange.js"
import { pullReadable, readableChunks } from "./readableChunks.js"
import { bodyText, engineError, maxErrorBytes, parseBody, responseHeaders } from "./response.js"
import { engineUnavailable } from "./unavailable.js"

/** How long reading the body of an error response may take. */
const errorBodyTimeout = Duration.seconds(5)

/** A request that only reads may be sent twice. */
const onlyReads = ({ method }: DockerRequest): boolean => method === "GET" || method === "HEAD"

const isLost = (error: unknown): boolean => error instanceof EngineUnavailable && error.reason === "Lost"

/**
 * Sends a request that only reads once more if the connection is lost: an engine that restarts closes the connections
 * that are kept for the next request. Both attempts share the timeout, which begins at the time that they are passed.
 */
const retryLostRead = <A, E, R>(
  request: DockerRequest,
  attempt: (startedAt: number) => Effect.Effect<A, E | EngineUnavailable, R>
): Effect.Effect<A, E | EngineUnavailable, R> =>
  Effect.suspend(() => {
    const startedAt = performance.now()
    return onlyReads(request)
      ? Effect.catchIf(attempt(startedAt), isLost, () => attempt(startedAt))
      : attempt(startedAt)
  })

/** Reads the body of an error response, or as much of it as arrives in time, and fails with it. */
const failWithBody = (
  { endpoint }: EngineConnection,
  request: DockerRequest,
  response: IncomingMessage
): Effect.Effect<never, DockerFailure> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let remaining = maxErrorBytes
    return readableChunks(response, (error) => engineUnavailable(endpoint, error)).pipe(
      Stream.takeUntil((chunk) => (remaining -= chunk.length) <= 0),
      Stream.runForEach((chunk) => Effect.sync(() => void chunks.push(chunk))),
      Effect.timeoutOption(errorBodyTimeout),
      Effect.flatMap(() => Effect.fail(engineError(request, response.statusCode ?? 0, bodyText(chunks))))
    )
  })

/** Sends a request and waits for the head of the response, or for the socket if the connection is to be upgraded. */
const open = (
  connection: EngineConnection,
  request: DockerRequest,
  upgrade: boolean,
  startedAt?: number
): Effect.Effect<IncomingMessage | Duplex, DockerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    let exchange: Exchange | undefined
    // A finalizer of the scope, and not of the response, also covers an interruption before the response.
    yield* Effect.addFinalizer(() => Effect.sync(() => exchange?.close()))
    return yield* Effect.async<IncomingMessage | Duplex, DockerFailure>((resume) => {
      const succeed = (answer: IncomingMessage | Duplex) => {
        exchange?.settle()
        resume(Effect.succeed(answer))
      }
      exchange = new Exchange(
        connection,
        request,
        {
          onResponse: succeed,
          onFailure: (error) => resume(Effect.fail(error)),
          ...(upgrade ? { onUpgrade: succeed } : {})
        },
        startedAt
      )
      exchange.send()
    })
  })

/** Receives a whole response, or what went wrong. Only the first call counts. */
interface ResponseHandlers {
  readonly onSuccess: (response: DockerResponse) => void
  readonly onFailure: (error: DockerFailure) => void
}

/** Reads a whole response. Calls `settle` once it is read or lost, and `close` to stop reading an error that is too long. */
const readResponse = (
  { endpoint }: EngineConnection,
  request: DockerRequest,
  response: IncomingMessage,
  exchange: Pick<Exchange, "close" | "settle">,
  { onFailure, onSuccess }: ResponseHandlers
): void => {
  const chunks: Array<Buffer> = []
  const status = response.statusCode ?? 0
  let remaining = status < 400 ? Number.POSITIVE_INFINITY : maxErrorBytes
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    remaining -= chunk.length
    if (remaining > 0) return
    onFailure(engineError(request, status, bodyText(chunks)))
    exchange.close()
  })
  response.once("end", () => {
    exchange.settle()
    const text = bodyText(chunks)
    if (status >= 400) return onFailure(engineError(request, status, text))
    onSuccess({
      status,
      body: parseBody(text),
      // Few callers read them, and Node parses them only when they are read.
      get headers() {
        return responseHeaders(response)
      }
    })
  })
  response.once("close", () => {
    // Every response closes. After its end, nothing was lost, and creating an error would be costly.
    if (response.readableEnded) return
    exchange.settle()
    onFailure(engineUnavailable(endpoint, response.errored ?? undefined))
  })
}

/** `Docker.json`. Works with callbacks throughout: a stream and a scope would cost ten times as much as the request. */
export const requestJson = (
  connection: EngineConnection,
  request: DockerRequest
): Effect.Effect<DockerResponse, DockerFailure> =>
  Effect.async<DockerResponse, DockerFailure>((resume) => {
    const startedAt = performance.now()
    /** `undefined` once the request is over: an exchange that is closed also fails, and must not be repeated. */
    let current: Exchange | undefined
    const attempt = (isLast: boolean) => {
      const finish = (outcome: Effect.Effect<DockerResponse, DockerFailure>) => {
        current = undefined
        resume(outcome)
      }
      const onFailure = (error: DockerFailure) => {
        if (current !== exchange) return
        if (isLast || !isLost(error)) finish(Effect.fail(error))
        else attempt(true)
      }
      const handlers = { onFailure, onSuccess: (response: DockerResponse) => finish(Effect.succeed(response)) }
      const exchange: Exchange = new Exchange(
        connection,
        request,
        { onFailure, onResponse: (response) => readResponse(connection, request, response, exchange, handlers) },
        startedAt
      )
      current = exchange
      exchange.send()
    }
    // As `retryLostRead`.
    attempt(!onlyReads(request))
    return Effect.sync(() => {
      const interrupted = current
      current = undefined
      interrupted?.close()
    })
  })

/** `Docker.stream` */
export const requestStream = (
  connection: EngineConnection,
  request: DockerRequest
): Effect.Effect<DockerStream, DockerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const response = yield* retryLostRead(request, (startedAt) => open(connection, request, false, startedAt))
    if (response instanceof Duplex) return yield* engineUnavailable(connection.endpoint, undefined)
    const status = response.statusCode ?? 0
    if (status >= 400) return yield* failWithBody(connection, request, response)
    return {
      status,
      contentType: response.headers["content-type"] ?? "",
      headers: responseHeaders(response),
      body: readableChunks(response, (error) => engineUnavailable(connection.endpoint, error))
    }
  })

/** `Docker.hijack` */
export const requestUpgrade = (
  connection: EngineConnection,
  request: DockerRequest
): Effect.Effect<DockerDuplex, DockerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = yield* open(connection, request, true)
    if (!(socket instanceof Duplex)) {
      const status = socket.statusCode ?? 0
      if (status >= 400) return yield* failWithBody(connection, request, socket)
      const message =
        "the connection was not upgraded. Check whether a proxy in front of the engine blocks connection upgrades"
      return yield* engineError(request, status, message)
    }
    const unavailable = (error: Error | undefined) => engineUnavailable(connection.endpoint, error)
    return {
      output: readableChunks(socket, unavailable),
      pull: pullReadable(socket, unavailable),
      socket,
      write: (bytes) =>
        Effect.async<void, EngineUnavailable>((resume) => {
          socket.write(bytes, (error) => resume(error ? Effect.fail(unavailable(error)) : Effect.void))
        }),
      end: Effect.sync(() => void socket.end())
    }
  })
