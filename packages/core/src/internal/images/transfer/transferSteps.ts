import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../../Docker.js"
import {
  EngineError,
  EngineUnavailable,
  type ImageNotFound,
  type InvalidRequest,
  type RegistryError
} from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import { registryFailure, type RegistryTask } from "../../registry/registryFailure.js"
import { limitSilence, stalled } from "../../registry/silenceLimit.js"
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

/** The error that a message of the engine means. */
const engineFailure = ({ refused, task }: Transfer, error: EngineError): TransferError =>
  refused(error) ?? registryFailure(task, error.detail, error.status) ?? error

/** Sends the request. Fails if the response does not begin in time. */
const openTransfer = (transfer: Transfer) => {
  const { docker, request, stallTimeout, task } = transfer
  // The engine sends the head of the response with the first message.
  return docker.stream({ ...request, timeout: Duration.infinity }).pipe(
    Effect.timeoutOption(stallTimeout),
    Effect.flatten,
    Effect.catchTags({
      NoSuchElementException: () => stalled(docker, task, stallTimeout),
      EngineError: (error) => Effect.fail(engineFailure(transfer, error))
    })
  )
}

/** Decodes the response. Fails if nothing new arrives in time. */
const decodedBody = <E>(
  { decoder, docker, stallTimeout, task }: Transfer,
  body: Stream.Stream<Uint8Array, E>
): Stream.Stream<DecodedChunk, E | RegistryError | EngineUnavailable> =>
  limitSilence(body, {
    docker,
    stallTimeout,
    decode: (bytes) => decoder.push(bytes),
    hasNews: (decoded) => decoded.hasNews,
    task: () => task
  })

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
