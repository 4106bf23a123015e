import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerResponse, DockerDuplex, DockerRequest, DockerShape, DockerStream } from "../Docker.js"
import { openInScope } from "../internal/api/scopedResource.js"
import { type DockerFailure, EngineError, EngineUnavailable } from "../DockerError.js"
import type { EngineResponse, StreamResponse } from "./calls/response.js"
import type { Faults } from "./faults.js"
import type { RequestLog } from "./requestLog.js"
import { routeRequest } from "./router.js"
import { apiVersion, type EngineState, engineVersion } from "./state/engineState.js"

const defaultTimeout = Duration.seconds(60)
const jsonType = "application/json"

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const responseHeaders = (
  contentType: string,
  date: string,
  headers: EngineResponse["headers"]
): Readonly<Record<string, string>> => ({
  "api-version": apiVersion,
  "content-type": contentType,
  date,
  "docker-experimental": "false",
  ostype: "linux",
  server: `Docker/${engineVersion} (linux)`,
  ...headers
})

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Emits `limit` bytes of a stream, then fails with `error`. A shorter stream is emitted as it is. */
const failAfter = (stream: DockerStream["body"], limit: number, error: () => EngineUnavailable): DockerStream["body"] =>
  Stream.suspend(() => {
    let remaining = limit
    return stream.pipe(
      Stream.map((bytes) => {
        const head = bytes.subarray(0, remaining)
        remaining -= head.length
        return head
      }),
      Stream.takeUntil(() => remaining <= 0),
      Stream.filter((bytes) => bytes.length > 0),
      Stream.concat(Stream.suspend(() => (remaining <= 0 ? Stream.fail(error()) : Stream.empty)))
    )
  })

/** Retries a GET request once if its connection was lost, as the door to a real engine does. */
const retryOnce = <A, R>({ method }: DockerRequest, attempt: Effect.Effect<A, DockerFailure, R>) =>
  method === "GET"
    ? Effect.catchIf(
        attempt,
        (error) => error._tag === "EngineUnavailable" && error.reason === "Lost",
        () => attempt
      )
    : attempt

/** A client's connection, which a fault can break. */
class Connection {
  readonly #broken = Deferred.unsafeMake<never, EngineUnavailable>(FiberId.none)

  constructor(readonly lost: () => EngineUnavailable) {}

  break(): void {
    Deferred.unsafeDone(this.#broken, Effect.fail(this.lost()))
  }

  /** Fails when the connection breaks. */
  get broken(): Effect.Effect<never, EngineUnavailable> {
    return Deferred.await(this.#broken)
  }

  /** Fails if the connection is broken already. */
  get check(): Effect.Effect<void, EngineUnavailable> {
    return Effect.asVoid(Effect.whenEffect(this.broken, Deferred.isDone(this.#broken)))
  }

  /** A stream that fails when the connection breaks, without emitting anything after the break. */
  protect(stream: Stream.Stream<Uint8Array>): DockerStream["body"] {
    return Stream.tap(Stream.interruptWhenDeferred(stream, this.#broken), () => this.check)
  }
}

/** The service `Docker`, backed by an engine in memory. */
export class MemoryDocker implements DockerShape {
  readonly endpoint = "memory://engine"
  readonly #state: EngineState
  readonly #faults: Faults
  readonly #requestLog: RequestLog

  constructor(state: EngineState, faults: Faults, requestLog: RequestLog) {
    this.#state = state
    this.#faults = faults
    this.#requestLog = requestLog
  }

  readonly json = (request: DockerRequest): Effect.Effect<DockerResponse, DockerFailure> => {
    const attempt = this.#connect(request, (connection) =>
      Effect.gen(this, function* () {
        const response = yield* this.#respond(request, false)
        const { status } = response
        const date = yield* this.#date
        if (response._tag === "Json") {
          return { status, body: response.body, headers: responseHeaders(jsonType, date, response.headers) }
        }
        const chunks = yield* Stream.runCollect(this.#responseBody(response, connection))
        const text = decoder.decode(Buffer.concat(Chunk.toReadonlyArray(chunks)))
        const body = text === "" ? undefined : parseJson(text)
        return { status, body, headers: responseHeaders(response.contentType, date, response.headers) }
      })
    )
    return retryOnce(request, Effect.scoped(attempt))
  }

  readonly stream = (request: DockerRequest): Effect.Effect<DockerStream, DockerFailure, Scope.Scope> => {
    const attempt = this.#connect(request, (connection) =>
      Effect.zipWith(this.#respond(request, false), this.#date, (response, date): DockerStream => {
        const { status } = response
        if (response._tag === "Stream") {
          const { contentType, headers } = response
          const body = this.#responseBody(response, connection)
          return { status, contentType, headers: responseHeaders(contentType, date, headers), body }
        }
        const lines = response.body === undefined ? [] : [encoder.encode(`${JSON.stringify(response.body)}\n`)]
        const headers = responseHeaders(jsonType, date, response.headers)
        return { status, contentType: jsonType, headers, body: Stream.fromIterable(lines) }
      })
    )
    return openInScope(retryOnce(request, attempt))
  }

  readonly hijack = (request: DockerRequest): Effect.Effect<DockerDuplex, DockerFailure, Scope.Scope> => {
    const attempt = this.#connect(request, (connection) =>
      Effect.gen(this, function* () {
        const response = yield* this.#respond(request, true)
        // Only streamed responses hand the connection over.
        if (response._tag === "Json") return yield* connection.lost()
        return {
          output: this.#responseBody(response, connection),
          write: (bytes: Uint8Array) => Effect.zipRight(connection.check, response.write(Uint8Array.from(bytes))),
          end: response.end
        }
      })
    )
    return openInScope(attempt)
  }

  /** The header `Date` of a response that is sent now: whole seconds of the engine's clock. */
  get #date(): Effect.Effect<string> {
    return Effect.map(this.#state.clock.currentMillis, (millis) => new Date(millis).toUTCString())
  }

  #unavailable(reason: EngineUnavailable["reason"], detail: string): EngineUnavailable {
    return new EngineUnavailable({ endpoint: this.endpoint, reason, detail })
  }

  /** Opens a connection for a request. `work` ends with the connection and the request's timeout. */
  #connect<A, R>(
    request: DockerRequest,
    work: (connection: Connection) => Effect.Effect<A, DockerFailure, R>
  ): Effect.Effect<A, DockerFailure, R | Scope.Scope> {
    return Effect.gen(this, function* () {
      this.#requestLog.add(request)
      const { offline } = this.#faults
      if (offline !== undefined) return yield* this.#unavailable(offline, "MemoryEngine is offline until `heal`")
      const connection = new Connection(() => this.#unavailable("Lost", "the connection was closed"))
      const unregister = this.#faults.addConnection(() => connection.break())
      yield* Effect.addFinalizer(() => Effect.sync(unregister))
      return yield* this.#guard(request, connection, work(connection))
    })
  }

  /** Ends with the work, the connection or the timeout, whichever is first. */
  #guard<A, R>(
    request: DockerRequest,
    connection: Connection,
    work: Effect.Effect<A, DockerFailure, R>
  ): Effect.Effect<A, DockerFailure, R> {
    const timeout = Duration.decode(request.timeout ?? defaultTimeout)
    const detail = `no response to ${request.method} ${request.path} within ${Duration.format(timeout)}`
    const timer = Effect.flatMap(Effect.sleep(timeout), () => Effect.fail(this.#unavailable("TimedOut", detail)))
    const bounded = Duration.isFinite(timeout) ? Effect.raceFirst(work, timer) : work
    // A fiber of its own, so that the timeout and the connection end it even where the caller is uninterruptible.
    return Effect.flatMap(Effect.runtime<R>(), (runtime) =>
      Effect.async<A, DockerFailure>((resume) => {
        const race = Effect.interruptible(Effect.raceFirst(bounded, connection.broken))
        const fiber = Runtime.runFork(runtime)(race)
        fiber.addObserver((exit) => resume(exit))
        return Fiber.interruptFork(fiber)
      })
    )
  }

  /** The engine's response, after the request's faults. */
  #respond(request: DockerRequest, upgrade: boolean): Effect.Effect<EngineResponse, DockerFailure, Scope.Scope> {
    const engineError = (status: number, message: string) =>
      new EngineError({
        request: `${request.method} ${request.path}`,
        status,
        // A response to HEAD has no body to carry a message.
        detail: request.method === "HEAD" ? "" : message.trim()
      })
    return Effect.gen(this, function* () {
      for (const fault of this.#faults.take(request)) {
        if (fault._tag === "Refuse") return yield* engineError(fault.status, fault.message)
        yield* Effect.sleep(fault.delay)
      }
      return yield* Effect.catchTag(
        routeRequest(this.#state, request, upgrade),
        "ErrorResponse",
        ({ message, status }) => Effect.fail(engineError(status, message))
      )
    })
  }

  #responseBody({ body }: StreamResponse, connection: Connection): DockerStream["body"] {
    const limit = this.#faults.takeStreamLimit()
    const stream = connection.protect(body)
    return limit === undefined ? stream : failAfter(stream, limit, connection.lost)
  }
}
