import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import { InvalidRequest } from "../../../DockerError.js"
import type { Operation, OperationStep } from "../../../Operation.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { familiarReference } from "../../registry/imageReference.js"
import { defaultStallTimeout } from "../../registry/silenceLimit.js"
import { imagePath } from "../imageErrors.js"
import { TransferDecoder } from "./transferDecoder.js"
import type { ImagePushOptions, PushedImage } from "./transferModels.js"
import { stepsChunk, type Transfer, type TransferError, transferSteps, withoutResult } from "./transferSteps.js"
import { defaultTagLines, prepareTransfer } from "./transferTask.js"

/** The last steps: a fraction of 1, and the result. Nothing proves a push but the digest of what the registry has now. */
const lastSteps = (push: Transfer, reference: string): Stream.Stream<OperationStep<PushedImage>, TransferError> =>
  Stream.suspend(() => {
    const { digest } = push.decoder.outcome
    return digest === undefined
      ? Stream.fail(withoutResult(push))
      : stepsChunk<PushedImage>([
          { _tag: "Progress", id: reference, status: "Push complete", fraction: 1 },
          { _tag: "Result", value: { reference, digest } }
        ])
  })

const pushSteps = (
  docker: DockerShape,
  auth: RegistryAuthShape,
  image: string,
  options: ImagePushOptions
): Stream.Stream<OperationStep<PushedImage>, TransferError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { headers, reference, task } = yield* prepareTransfer(auth, image)
      if (reference.digest !== undefined) {
        const detail = "a digest cannot be pushed. Leave out the part from the @ on"
        return yield* new InvalidRequest({ field: "image", value: image, detail })
      }
      const path = yield* imagePath(`${reference.registry}/${reference.repository}`, "/push")
      const push: Transfer = {
        docker,
        request: { method: "POST", path, query: { tag: reference.tag }, headers },
        task,
        decoder: new TransferDecoder("push"),
        stallTimeout: Duration.decode(options.stallTimeout ?? defaultStallTimeout),
        refused: ({ detail, status }) =>
          status === 400 ? new InvalidRequest({ field: "image", value: image, detail }) : undefined
      }
      const firstLines = defaultTagLines(image).map((text) => ({ _tag: "Line", stream: "stdout", text }) as const)
      return stepsChunk<PushedImage>(firstLines).pipe(
        Stream.concat(transferSteps(push)),
        Stream.concat(lastSteps(push, familiarReference(reference)))
      )
    })
  )

/** Method `push` of `Images`. */
export const imagePush = (docker: DockerShape, auth: RegistryAuthShape) => ({
  push: (image: string, options: ImagePushOptions = {}): Operation<PushedImage, TransferError> => ({
    kind: "push_image",
    target: { imageName: image },
    steps: pushSteps(docker, auth, image, options)
  })
})
