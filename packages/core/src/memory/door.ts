import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerResponse, DockerDuplex, DockerRequest, DockerShape, DockerStream } from "../Docker.js"
import { type DockerFailure, EngineError, EngineUnavailable } from "../DockerError.js"
import type { EngineResponse, StreamResponse } from "./calls/response.js"
import type { EngineState } from "./state/engineState.js"
import type { Faults } from "./faults.js"
import { answer } from "./router.js"
import { apiVersion, version } from "./routes/systemRoutes.js"

/** How long an answer may take when the request doesn't say. */
const requestTimeout = Duration.seconds(60)

const headers = (contentType: string, more: EngineResponse["headers"]): Readonly<Record<string, string>> => ({
  "api-version": apiVersion,
  "content-type": contentType,
  "docker-experimental": "false",
  ostype: "linux",
  server: `Docker/${version} (linux)`,
  ...more
})

const jsonType = "application/json"

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Fails when the connection is cut. */
type Cut = Deferred.Deferred<never, EngineUnavailable>

/** The door to the engine in memory. */
export const makeMemoryDocker = (state: EngineState, faults: Faults, endpoint: string): DockerShape => {
  const unavailable = (reason: EngineUnavailable["reason"], detail: string) =>
    new EngineUnavailable({ endpoint, reason, detail })

  const lost = () => unavailable("Lost", "the connection was closed")

  /** The request, refused where it is to be or the engine says so. */
  const ask = (request: DockerRequest, upgrade: boolean): Effect.Effect<EngineResponse, DockerFailure, Scope.Scope> =>
    Effect.gen(function* () {
      const refused = (status: number, detail: string) =>
        new EngineError({
          request: `${request.method} ${request.path}`,
          status,
          // An answer to HEAD has no body, and so no words.
          detail: request.method === "HEAD" ? "" : detail.trim()
        })
      for (const fault of faults.take(request)) {
        if (fault._tag === "Answer") return yield* refused(fault.status, fault.message)
        yield* Effect.sleep(fault.delay)
      }
      return yield* Effect.catchTag(answer(state, request, upgrade), "ErrorResponse", ({ message, status }) =>
        Effect.fail(refused(status, message))
      )
    })

  /** Ends with the work, the connection or the time, whichever ends first. */
  const guard = <A, R>(request: DockerRequest, cut: Cut, work: Effect.Effect<A, DockerFailure, R>) => {
    const duration = Duration.decode(request.timeout ?? requestTimeout)
    const detail = `no answer to ${request.method} ${request.path} after ${Duration.format(duration)}`
    const timer = Effect.flatMap(Effect.sleep(duration), () => Effect.fail(unavailable("TimedOut", detail)))
    const within = Duration.isFinite(duration) ? Effect.raceFirst(work, timer) : work
    // On a fiber of its own: where the caller can't be interrupted, its time and its connection still end it, and nothing else.
    return Effect.flatMap(Effect.runtime<R>(), (runtime) =>
      Effect.async<A, DockerFailure>((resume) => {
        const race = Effect.interruptible(Effect.raceFirst(within, Deferred.await(cut)))
        const fiber = Runtime.runFork(runtime)(race)
        fiber.addObserver((exit) => resume(exit))
        return Fiber.interruptFork(fiber)
      })
    )
  }

  /** A connection of its own for the work. */
  const connect = <A, R>(
    request: DockerRequest,
    work: (cut: Cut) => Effect.Effect<A, DockerFailure, R>
  ): Effect.Effect<A, DockerFailure, R | Scope.Scope> =>
    Effect.gen(function* () {
      faults.asked(request)
      if (faults.gone !== undefined) return yield* unavailable(faults.gone, "the engine in memory was told to be gone")
      const cut = yield* Deferred.make<never, EngineUnavailable>()
      const disconnect = faults.connected(() => Deferred.unsafeDone(cut, Effect.fail(lost())))
      yield* Effect.addFinalizer(() => Effect.sync(disconnect))
      return yield* guard(request, cut, work(cut))
    })

  /** What only reads is asked again when its connection was lost, as the door to a real engine does. */
  const again = <A, R>(request: DockerRequest, attempt: Effect.Effect<A, DockerFailure, R>) =>
    request.method === "GET"
      ? Effect.catchIf(
          attempt,
          (error) => error._tag === "EngineUnavailable" && error.reason === "Lost",
          () => attempt
        )
      : attempt

  /** Fails where the connection is cut already. */
  const unbroken = (cut: Cut) => Effect.whenEffect(Deferred.await(cut), Deferred.isDone(cut))

  const output = ({ body }: StreamResponse, cut: Cut): DockerStream["body"] => {
    const limit = faults.takeCut()
    // What has come must not overtake the break.
    const whole = Stream.tap(Stream.interruptWhenDeferred(body, cut), () => unbroken(cut))
    if (limit === undefined) return whole
    return Stream.suspend(() => {
      let left = limit
      return whole.pipe(
        Stream.map((bytes) => {
          const part = bytes.subarray(0, left)
          left -= part.length
          return part
        }),
        Stream.takeUntil(() => left <= 0),
        Stream.filter((bytes) => bytes.length > 0),
        Stream.concat(Stream.suspend(() => (left <= 0 ? Stream.fail(lost()) : Stream.empty)))
      )
    })
  }

  const json = (request: DockerRequest): Effect.Effect<DockerResponse, DockerFailure> => {
    const attempt = connect(request, (cut) =>
      Effect.gen(function* () {
        const answer = yield* ask(request, false)
        const { status } = answer
        if (answer._tag === "Json") return { status, body: answer.body, headers: headers(jsonType, answer.headers) }
        const chunks = yield* Stream.runCollect(output(answer, cut))
        const text = decoder.decode(Buffer.concat(Chunk.toReadonlyArray(chunks)))
        const body = text === "" ? undefined : parseJson(text)
        return { status, body, headers: headers(answer.contentType, answer.headers) }
      })
    )
    return again(request, Effect.scoped(attempt))
  }

  const stream = (request: DockerRequest): Effect.Effect<DockerStream, DockerFailure, Scope.Scope> => {
    const attempt = connect(request, (cut) =>
      Effect.map(ask(request, false), (answer): DockerStream => {
        if (answer._tag === "Stream") {
          const { contentType, status } = answer
          return { status, contentType, headers: headers(contentType, answer.headers), body: output(answer, cut) }
        }
        const bytes = answer.body === undefined ? [] : [encoder.encode(`${JSON.stringify(answer.body)}\n`)]
        const body = Stream.fromIterable(bytes)
        return { status: answer.status, contentType: jsonType, headers: headers(jsonType, answer.headers), body }
      })
    )
    return again(request, attempt)
  }

  const hijack = (request: DockerRequest): Effect.Effect<DockerDuplex, DockerFailure, Scope.Scope> =>
    connect(request, (cut) =>
      Effect.gen(function* () {
        const answer = yield* ask(request, true)
        // The engine hands over nothing else.
        if (answer._tag === "Json") return yield* lost()
        return {
          output: output(answer, cut),
          write: (bytes) => Effect.zipRight(unbroken(cut), answer.write(Uint8Array.from(bytes))),
          end: answer.end
        }
      })
    )

  return { endpoint, hijack, json, stream }
}
