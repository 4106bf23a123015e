import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../../Docker.js"
import {
  EngineError,
  EngineUnavailable,
  type ImageNotFound,
  type InvalidRequest,
  RegistryError
} from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import { registryFailure, type RegistryTask } from "../../registry/registryFailure.js"
import type { DecodedChunk, TransferDecoder } from "./transferDecoder.js"

/** What a pull and a push can fail with. */
export type TransferError = ImageNotFound | RegistryError | InvalidRequest | EngineUnavailable | EngineError

/** A pull or a push. */
export interface Transfer {
  readonly docker: DockerShape
  readonly request: DockerRequest
  readonly task: RegistryTask
  readonly decoder: TransferDecoder
  /** How long the engine may report nothing new. */
  readonly stallTimeout: Duration.Duration
  /** The error of a request that the engine refused, if it is about one of the options. */
  readonly refused: (error: EngineError) => InvalidRequest | undefined
}

/** Steps as one chunk of a stream. */
export const stepsChunk = <A>(steps: ReadonlyArray<OperationStep<A>>): Stream.Stream<OperationStep<A>> =>
  Stream.fromChunk(Chunk.unsafeFromArray(steps))

/** How long an engine may take to show that it is the registry that is silent. */
const pingTimeout = "5 seconds"

/** The error of a transfer about which nothing was reported for too long: the engine may be the cause as well. */
const stalled = ({ docker, stallTimeout, task }: Transfer): Effect.Effect<never, RegistryError | EngineUnavailable> =>
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

/** The error that a message of the engine means. */
const engineFailure = ({ refused, task }: Transfer, error: EngineError): TransferError =>
  refused(error) ?? registryFailure(task, error.detail, error.status) ?? error

/** Sends the request. Fails if the response does not begin in time. */
const openTransfer = (transfer: Transfer) => {
  const { docker, request, stallTimeout } = transfer
  // The engine sends the head of the response with the first message.
  return docker.stream({ ...request, timeout: Duration.infinity }).pipe(
    Effect.timeoutOption(stallTimeout),
    Effect.flatten,
    Effect.catchTags({
      NoSuchElementException: () => stalled(transfer),
      EngineError: (error) => Effect.fail(engineFailure(transfer, error))
    })
  )
}

/**
 * Decodes the response. Fails if nothing new arrives in time: engines repeat themselves while a registry is silent. The time that
 * a consumer takes does not count.
 */
const decodedBody = <E>(
  transfer: Transfer,
  body: Stream.Stream<Uint8Array, E>
): Stream.Stream<DecodedChunk, E | RegistryError | EngineUnavailable> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { decoder, stallTimeout } = transfer
      const pull = yield* Stream.toPull(body)
      const clock = yield* Effect.clock
      const limit = Duration.toMillis(stallTimeout)
      let left = limit
      type Next = Effect.Effect<Chunk.Chunk<DecodedChunk>, Option.Option<E | RegistryError | EngineUnavailable>>
      const next = Effect.suspend((): Next => {
        const start = clock.unsafeCurrentTimeMillis()
        return pull.pipe(
          Effect.map((chunk) => {
            const decoded = Chunk.map(chunk, (bytes) => decoder.push(bytes))
            const hasNews = Chunk.some(decoded, (one) => one.hasNews)
            left = hasNews ? limit : left - (clock.unsafeCurrentTimeMillis() - start)
            return decoded
          }),
          Effect.timeoutOption(Math.max(left, 0)),
          Effect.flatMap(
            Option.match({
              onNone: () => Effect.mapError(stalled(transfer), Option.some),
              onSome: Effect.succeed
            })
          )
        )
      })
      return Stream.repeatEffectChunkOption(next)
    })
  )

/** Runs a transfer. Its steps end with the response, unless it reports an error. Closing the stream ends the transfer. */
export const transferSteps = (transfer: Transfer): Stream.Stream<OperationStep<never>, TransferError> =>
  Stream.unwrapScoped(
    Effect.map(openTransfer(transfer), ({ body, status }) => {
      const { decoder, request } = transfer
      const decoded = ({ error, steps }: DecodedChunk) =>
        error === undefined
          ? stepsChunk(steps)
          : Stream.concat(
              stepsChunk(steps),
              Stream.fail(
                engineFailure(
                  transfer,
                  new EngineError({ request: `${request.method} ${request.path}`, status, detail: error })
                )
              )
            )
      return Stream.concat(
        Stream.flatMap(decodedBody(transfer, body), decoded),
        Stream.suspend(() => decoded(decoder.end()))
      )
    })
  )

/** The error of a response that ended without saying whether the transfer succeeded, such as that of an engine that shuts down. */
export const withoutResult = ({ docker, request }: Transfer): EngineUnavailable =>
  new EngineUnavailable({
    endpoint: docker.endpoint,
    reason: "Lost",
    detail: `the response to ${request.method} ${request.path} ended without a result`
  })
