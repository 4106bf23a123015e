/** Responses whose body is a stream. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { eventStream, jsonLines, type StreamFailed } from "../../Api/fields/streamed.js"

type Failure = { readonly _tag: string; readonly message: string }

/** Whether a request names a content type among those that it accepts. */
export const accepts = (request: HttpServerRequest.HttpServerRequest, contentType: string): boolean =>
  (request.headers["accept"] ?? "").toLowerCase().includes(contentType)

/** The last element of a stream that broke off. */
export const failed = ({ _tag, message }: Failure): StreamFailed => ({ _tag: "Failed", error: _tag, message })

/**
 * Waits for the first elements of a stream, so that what fails at its start is an error of the request, with a status of its
 * own. The stream that is returned has them all.
 */
export const begun = <A, E, R>(
  stream: Stream.Stream<A, E, R>
): Effect.Effect<Stream.Stream<A, E>, E, R | Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<R>()
    const pull = yield* Stream.toPull(Stream.provideContext(stream, context))
    const first = yield* Effect.catchAll(Effect.asSome(pull), (end) =>
      Option.isNone(end) ? Effect.succeedNone : Effect.fail(end.value)
    )
    return Option.match(first, {
      onNone: () => Stream.empty,
      onSome: (elements) => Stream.concat(Stream.fromChunk(elements), Stream.fromPull(Effect.succeed(pull)))
    })
  })

/** A response of texts as they come. They are read no faster than the client takes them; its leaving ends the stream. */
export const streamTexts = (texts: Stream.Stream<string>, contentType: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(Stream.encodeText(texts), {
    contentType,
    headers: {
      "cache-control": "no-store",
      // A proxy that collects responses would hold the lines back.
      "x-accel-buffering": "no"
    }
  })

/** A response of JSON values, one per line, or as server-sent events if the request accepts those. */
export const streamJson = <A, E extends Failure>(
  request: HttpServerRequest.HttpServerRequest,
  elements: Stream.Stream<A, E>
): HttpServerResponse.HttpServerResponse => {
  const isEvents = accepts(request, eventStream)
  const format = (element: A | StreamFailed) =>
    isEvents ? `data: ${JSON.stringify(element)}\n\n` : `${JSON.stringify(element)}\n`
  const texts = elements.pipe(
    Stream.map(format),
    Stream.catchAll((error) => Stream.succeed(format(failed(error))))
  )
  return streamTexts(texts, isEvents ? `${eventStream}; charset=utf-8` : jsonLines)
}
