import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import { type EngineUnavailable, RegistryError } from "../../DockerError.js"
import type { RegistryTask } from "./registryFailure.js"

/** How long an engine may report nothing new about a transfer. */
export const defaultStallTimeout = "60 seconds"

/** How long an engine may take to show that it is the registry that is silent. */
const pingTimeout = "5 seconds"

/** The error of a task about which nothing was reported for too long: the engine may be the cause as well. */
export const stalled = (
  docker: DockerShape,
  task: RegistryTask,
  stallTimeout: Duration.Duration
): Effect.Effect<never, RegistryError | EngineUnavailable> =>
  docker.json({ method: "GET", path: "/_ping", timeout: pingTimeout }).pipe(
    Effect.catchTag("EngineError", () => Effect.void),
    Effect.zipRight(
      Effect.fail(
        new RegistryError({
          ...task,
          reason: "Stalled",
          detail: `the engine reported nothing new for ${Duration.format(stallTimeout)}`
        })
      )
    )
  )

/** How to read the response about a task that may stall. */
export interface SilenceLimit<A> {
  readonly docker: DockerShape
  readonly stallTimeout: Duration.Duration
  readonly decode: (bytes: Uint8Array) => A
  /** Whether a piece says anything that was not said before: engines repeat themselves while a registry is silent. */
  readonly hasNews: (decoded: A) => boolean
  /** What the engine does, if it waits for nothing but a registry. */
  readonly task: () => RegistryTask | undefined
}

/**
 * Decodes a response. Fails if nothing new arrives in time while the engine waits for a registry. The time that a consumer
 * takes does not count.
 */
export const limitSilence = <A, E>(
  body: Stream.Stream<Uint8Array, E>,
  { decode, docker, hasNews, stallTimeout, task }: SilenceLimit<A>
): Stream.Stream<A, E | RegistryError | EngineUnavailable> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(body)
      const clock = yield* Effect.clock
      const limit = Duration.toMillis(stallTimeout)
      let left = limit
      type Next = Effect.Effect<Chunk.Chunk<A>, Option.Option<E | RegistryError | EngineUnavailable>>
      const next = Effect.suspend((): Next => {
        const start = clock.unsafeCurrentTimeMillis()
        const awaited = task()
        const decoded = Effect.map(pull, (chunk) => {
          const pieces = Chunk.map(chunk, decode)
          const isReset = awaited === undefined || Chunk.some(pieces, hasNews)
          left = isReset ? limit : left - (clock.unsafeCurrentTimeMillis() - start)
          return pieces
        })
        return awaited === undefined
          ? decoded
          : Effect.flatMap(
              Effect.timeoutOption(decoded, Math.max(left, 0)),
              Option.match({
                // Credentials may have been found only while it waited.
                onNone: () => Effect.mapError(stalled(docker, task() ?? awaited, stallTimeout), Option.some),
                onSome: Effect.succeed
              })
            )
      })
      return Stream.repeatEffectChunkOption(next)
    })
  )
