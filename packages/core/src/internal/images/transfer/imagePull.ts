import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import {
  type EngineError,
  type EngineUnavailable,
  type ImageNotFound,
  InvalidRequest,
  RegistryError
} from "../../../DockerError.js"
import type { Operation, OperationStep } from "../../../Operation.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { decodeResponse, nullable, requestDecoded } from "../../api/decode.js"
import { familiarReference, fullReference, type ImageReference } from "../../registry/imageReference.js"
import { isForPlatform, parsePlatform, platformName, type RequestedPlatform } from "../../registry/imagePlatform.js"
import type { RegistryTask } from "../../registry/registryFailure.js"
import { defaultStallTimeout } from "../../registry/silenceLimit.js"
import { imageNotFound, imagePath } from "../imageErrors.js"
import { imageId } from "../imageInspection.js"
import { TransferDecoder, type TransferOutcome } from "./transferDecoder.js"
import type { ImagePullOptions, PulledImage } from "./transferModels.js"
import { stepsChunk, type Transfer, type TransferError, transferSteps, withoutResult } from "./transferSteps.js"
import { defaultTagLines, prepareTransfer } from "./transferTask.js"

const decodeImage = decodeResponse(
  Schema.Struct({
    Id: Schema.String,
    RepoDigests: nullable(Schema.Array(Schema.String)),
    Os: nullable(Schema.String),
    Architecture: nullable(Schema.String),
    Variant: nullable(Schema.String)
  })
)

/** The reference under which the engine lists what it pulled: a digest makes it ignore the tag. */
const listedReference = ({ tag, ...reference }: ImageReference): string =>
  fullReference(reference.digest === undefined && tag !== undefined ? { ...reference, tag } : reference)

/** With several platforms under one reference, the engine shows the one that is asked for, if it knows how. */
const inspectImage = (docker: DockerShape, reference: ImageReference, platform: RequestedPlatform | undefined) =>
  imagePath(listedReference(reference), "/json").pipe(
    Effect.flatMap((path) => {
      const query = platform?.os === undefined ? {} : { platform: JSON.stringify(platform) }
      return requestDecoded(docker, { method: "GET", path, query }, decodeImage)
    })
  )

/** The id under which the engine has the image, if it has it. */
const presentId = (docker: DockerShape, reference: ImageReference, platform: RequestedPlatform | undefined) =>
  inspectImage(docker, reference, platform).pipe(
    Effect.map(({ Id }): string | undefined => imageId(Id)),
    // If this request fails, the pull says more about it.
    Effect.catchTags({ EngineError: () => Effect.succeed(undefined), ImageNotFound: () => Effect.succeed(undefined) })
  )

/** Whether the response says that the image is there. Podman's last message has the id of the image. */
const isFinished = ({ lastId, status }: TransferOutcome, id: string): boolean =>
  status !== undefined || (lastId !== undefined && lastId.length >= 12 && id.includes(lastId))

/**
 * The digest under which the engine has an image of this repository. Podman, whose pulls do not name it, lists all that the
 * image has ever had.
 */
const onlyDigest = (
  { registry, repository }: ImageReference,
  references: ReadonlyArray<string>
): string | undefined => {
  const [only, ...more] = references.flatMap((reference) => {
    const [name, digest] = reference.split("@")
    return name === `${registry}/${repository}` && digest !== undefined ? [digest] : []
  })
  return more.length === 0 ? only : undefined
}

const platformMismatch = (task: RegistryTask, detail: string): RegistryError =>
  new RegistryError({ ...task, reason: "PlatformMismatch", detail })

interface Pull extends Transfer {
  readonly reference: ImageReference
  readonly platform: RequestedPlatform | undefined
  readonly presentId: string | undefined
}

/** Looks at the image that was pulled: engines report a success even if it is not for the platform that was requested. */
const pulledImage = (
  pull: Pull
): Effect.Effect<PulledImage, ImageNotFound | RegistryError | EngineUnavailable | EngineError> =>
  Effect.gen(function* () {
    const { decoder, docker, platform, reference, task } = pull
    const { digest, platformWarning, status } = decoder.outcome
    if (platformWarning !== undefined) return yield* platformMismatch(task, platformWarning)
    const image = yield* inspectImage(docker, reference, platform).pipe(
      Effect.catchTag("EngineError", (error) =>
        Effect.fail(
          platform !== undefined && error.status === 404 && /platform/i.test(error.detail)
            ? platformMismatch(task, error.detail)
            : (imageNotFound(task.image, error) ?? error)
        )
      )
    )
    const id = imageId(image.Id)
    if (!isFinished(decoder.outcome, id)) return yield* withoutResult(pull)
    const actual = { os: image.Os ?? "", architecture: image.Architecture ?? "", variant: image.Variant ?? "" }
    if (platform !== undefined && !isForPlatform(platform, actual)) {
      return yield* platformMismatch(task, `the image that the registry sent is for ${platformName(actual)}`)
    }
    const known = digest ?? reference.digest ?? onlyDigest(reference, image.RepoDigests ?? [])
    return {
      id,
      reference: familiarReference(reference),
      ...(known === undefined ? {} : { digest: known }),
      updated: status?.startsWith("Status: Downloaded") === true || id !== pull.presentId
    }
  })

/** The last steps: the line with which the docker command ends, a fraction of 1, and the result. */
const lastSteps = (pull: Pull): Stream.Stream<OperationStep<PulledImage>, TransferError> =>
  Stream.unwrap(
    Effect.map(pulledImage(pull), (image) =>
      stepsChunk<PulledImage>([
        { _tag: "Line", stream: "stdout", text: fullReference(pull.reference) },
        { _tag: "Progress", id: image.reference, status: "Pull complete", fraction: 1 },
        { _tag: "Result", value: image }
      ])
    )
  )

const pullSteps = (
  docker: DockerShape,
  auth: RegistryAuthShape,
  image: string,
  options: ImagePullOptions
): Stream.Stream<OperationStep<PulledImage>, TransferError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const platform = options.platform === undefined ? undefined : yield* parsePlatform(options.platform)
      const { headers, reference, task } = yield* prepareTransfer(auth, image)
      const { digest, registry, repository, tag } = reference
      const query = { fromImage: `${registry}/${repository}`, tag: digest ?? tag, platform: options.platform }
      const pull: Pull = {
        docker,
        request: { method: "POST", path: "/images/create", query, headers },
        task,
        decoder: new TransferDecoder("pull"),
        stallTimeout: Duration.decode(options.stallTimeout ?? defaultStallTimeout),
        refused: (error) =>
          error.status === 400 ||
          (options.platform !== undefined && /unknown operating system or architecture/i.test(error.detail))
            ? options.platform === undefined
              ? new InvalidRequest({ field: "image", value: image, detail: error.detail })
              : new InvalidRequest({ field: "platform", value: options.platform, detail: error.detail })
            : undefined,
        reference,
        platform,
        presentId: yield* presentId(docker, reference, platform)
      }
      const firstLines = defaultTagLines(image).map((text) => ({ _tag: "Line", stream: "stdout", text }) as const)
      return stepsChunk<PulledImage>(firstLines).pipe(
        Stream.concat(transferSteps(pull)),
        Stream.concat(lastSteps(pull))
      )
    })
  )

/** Method `pull` of `Images`. */
export const imagePull = (docker: DockerShape, auth: RegistryAuthShape) => ({
  pull: (image: string, options: ImagePullOptions = {}): Operation<PulledImage, TransferError> => ({
    kind: "pull_image",
    target: { imageName: image },
    steps: pullSteps(docker, auth, image, options)
  })
})
