import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerResponse, DockerShape } from "../../../Docker.js"
import type { DockerFailure } from "../../../DockerError.js"

/**
 * Sends a request whose body is a stream that may fail. If it does, the request is ended, and the stream's failure returned:
 * an upload itself cannot fail.
 */
export const uploadStream = <E, R>(
  docker: DockerShape,
  request: DockerRequest,
  content: Stream.Stream<Uint8Array, E, R>
): Effect.Effect<DockerResponse, DockerFailure | E, R> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<R>()
    const failed = yield* Deferred.make<never, E>()
    const infallible = content.pipe(
      Stream.provideContext(context),
      Stream.catchAllCause((cause) => Stream.execute(Effect.zipRight(Deferred.failCause(failed, cause), Effect.never)))
    )
    // The race interrupts the loser, which has to be possible where the caller is uninterruptible.
    return yield* Effect.raceFirst(
      Effect.interruptible(docker.json({ ...request, upload: infallible })),
      Effect.interruptible(Deferred.await(failed))
    )
  })
