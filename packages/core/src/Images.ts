/**
 * Images: build, list, inspect, tag, remove, prune, pull, push, save and load.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { Docker, type DockerShape } from "./Docker.js"
import type {
  BuildFailed,
  DockerFailure,
  EngineUnavailable,
  ImageNotFound,
  InvalidRequest,
  PruneInProgress,
  RegistryError,
  ResourceInUse
} from "./DockerError.js"
import type { PruneReport } from "./internal/api/filters.js"
import { buildImage } from "./internal/build/buildImage.js"
import type { BuildSpec, BuiltImage } from "./internal/build/buildSpec.js"
import { imageArchive, type ImageImportOptions } from "./internal/images/imageArchive.js"
import {
  type BuildCachePruneOptions,
  imageCollection,
  type ImageListOptions,
  type ImagePruneOptions,
  type ImageRemoveOptions
} from "./internal/images/imageCollection.js"
import { imageInspection } from "./internal/images/imageInspection.js"
import type { ImageDetails, ImageHistoryStep, ImageSummary, RemovedImage } from "./internal/images/imageModels.js"
import { imagePull } from "./internal/images/transfer/imagePull.js"
import { imagePush } from "./internal/images/transfer/imagePush.js"
import type {
  ImagePullOptions,
  ImagePushOptions,
  PulledImage,
  PushedImage
} from "./internal/images/transfer/transferModels.js"
import { fullReference, parseImageReference } from "./internal/registry/imageReference.js"
import type { Operation } from "./Operation.js"
import { RegistryAuth, type RegistryAuthShape } from "./RegistryAuth.js"

export { BuiltImage } from "./internal/build/buildSpec.js"
export type { BuildSecret, BuildSpec } from "./internal/build/buildSpec.js"

export type { ImageImportOptions } from "./internal/images/imageArchive.js"

export type {
  BuildCachePruneOptions,
  ImageListOptions,
  ImagePruneOptions,
  ImageRemoveOptions
} from "./internal/images/imageCollection.js"

export {
  ImageDefaults,
  ImageDetails,
  ImageHistoryStep,
  ImagePlatform,
  ImageSummary,
  RemovedImage
} from "./internal/images/imageModels.js"

export {
  type ImagePullOptions,
  type ImagePushOptions,
  PulledImage,
  PushedImage
} from "./internal/images/transfer/transferModels.js"

/**
 * The service `Images`. Wherever a method takes an `image`, an id or an unambiguous prefix of it works as well as a reference.
 *
 * @since 0.1.0
 * @category services
 */
export interface ImagesShape {
  /** Lists images, newest first. `GET /images/json` */
  readonly list: (
    options?: ImageListOptions
  ) => Effect.Effect<ReadonlyArray<ImageSummary>, InvalidRequest | DockerFailure>
  /** Returns the details of one image. `GET /images/{name}/json` */
  readonly inspect: (image: string) => Effect.Effect<ImageDetails, ImageNotFound | DockerFailure>
  /** Lists the steps that created an image, newest first. `GET /images/{name}/history` */
  readonly history: (image: string) => Effect.Effect<ReadonlyArray<ImageHistoryStep>, ImageNotFound | DockerFailure>
  /**
   * Gives an image another reference, taking it from the image that had it. A target without a tag gets `latest`.
   * `POST /images/{name}/tag`
   */
  readonly tag: (image: string, target: string) => Effect.Effect<void, ImageNotFound | InvalidRequest | DockerFailure>
  /**
   * Removes a reference, and the image with its last one. Fails with `ResourceInUse` if a container uses the image, or if it is
   * named by its id and has several references. `DELETE /images/{name}`
   */
  readonly remove: (
    image: string,
    options?: ImageRemoveOptions
  ) => Effect.Effect<RemovedImage, ImageNotFound | ResourceInUse | DockerFailure>
  /** Removes dangling images, or all that no container uses. `POST /images/prune` */
  readonly prune: (
    options?: ImagePruneOptions
  ) => Effect.Effect<PruneReport, PruneInProgress | InvalidRequest | DockerFailure>
  /** Removes the build cache that is not in use. `POST /build/prune` */
  readonly pruneBuildCache: (
    options?: BuildCachePruneOptions
  ) => Effect.Effect<PruneReport, PruneInProgress | InvalidRequest | DockerFailure>
  /**
   * Pulls an image, of kind `pull_image`. A reference without a tag gets `latest`. The credentials for its registry come from
   * `RegistryAuth`.
   *
   * The steps are the lines that `docker pull` prints without a terminal, and the progress of each layer: its id, the engine's
   * status word and bytes, and the fraction of the whole pull. The operation succeeds only once the engine has the image, for
   * the requested platform. It fails with `ImageNotFound` if the registry does not have the image, and with a `RegistryError`
   * for anything else about the registry. An image for another platform (reason `PlatformMismatch`) stays on the engine.
   * `POST /images/create`
   */
  readonly pull: (
    image: string,
    options?: ImagePullOptions
  ) => Operation<PulledImage, ImageNotFound | RegistryError | InvalidRequest | DockerFailure>
  /**
   * Pushes an image to the registry that its reference names, of kind `push_image`. A reference without a tag gets `latest`.
   * The credentials for the registry come from `RegistryAuth`.
   *
   * The steps are as for `pull`, in the words of `docker push`. The operation fails with `ImageNotFound` if the engine does
   * not have the image; with a `registry` in the error, that one does not have the repository. `POST /images/{name}/push`
   */
  readonly push: (
    image: string,
    options?: ImagePushOptions
  ) => Operation<PushedImage, ImageNotFound | RegistryError | InvalidRequest | DockerFailure>
  /** Reads images with their layers as one tar archive, which `load` reads. `GET /images/get` */
  readonly save: (
    images: ReadonlyArray<string>
  ) => Stream.Stream<Uint8Array, ImageNotFound | InvalidRequest | DockerFailure>
  /**
   * Loads the images in an archive. Returns their references, or the ids of those that have none. Takes as long as it needs.
   * `POST /images/load`
   */
  readonly load: <E, R>(
    archive: Stream.Stream<Uint8Array, E, R>
  ) => Effect.Effect<ReadonlyArray<string>, InvalidRequest | DockerFailure | E, R>
  /**
   * Creates an image from an archive of its file system, and returns its id. Takes as long as it needs.
   * `POST /images/create?fromSrc=-`
   */
  readonly import: <E, R>(
    archive: Stream.Stream<Uint8Array, E, R>,
    options?: ImageImportOptions
  ) => Effect.Effect<string, InvalidRequest | DockerFailure | E, R>
  /**
   * Builds an image from a Dockerfile, with BuildKit where the engine has it, and else with its classic builder. With BuildKit, only
   * those files of a folder are sent that the Dockerfile needs and the engine does not have; credentials, secrets and the ssh
   * agent are available to it while the build runs.
   *
   * The operation, of the kind `build_image`, has a line for each line that a step prints, with the step's `id` as `item`, and
   * lines of the stream `system` that say when a step starts and ends, as `docker build --progress=plain` does. Each step
   * of the builder has its own progress, with its bytes where the builder tells them. The fraction is the share of the
   * Dockerfile's instructions that are done, with the export of the image as one more; the classic builder and Podman
   * count the instructions of all stages.
   *
   * Values that are `Redacted` appear in no event and no error. Interrupting the operation stops the build on the engine.
   * Fails with `BuildFailed` if a step fails or the Dockerfile is invalid, with `ImageNotFound` or `RegistryError` if a
   * base image cannot be pulled, and with `InvalidRequest` if the spec or the context is invalid. `POST /build`
   */
  readonly build: (
    spec: BuildSpec
  ) => Operation<BuiltImage, BuildFailed | RegistryError | ImageNotFound | InvalidRequest | EngineUnavailable>
}

/**
 * The reference of an image with nothing left out: its registry, its repository, and its tag, its digest or both. Two references name the
 * same image in the same registry if these are equal. Fails with `InvalidRequest` for an id and for what is not a reference.
 *
 * @example
 * ```ts
 * import { canonicalReference } from "@dockwire/core/Images"
 * import { Effect } from "effect"
 *
 * const program = Effect.forEach(["nginx", "localhost:5000/team/app:1.0"], canonicalReference)
 * console.log(await Effect.runPromise(program)) // docker.io/library/nginx:latest, localhost:5000/team/app:1.0
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const canonicalReference = (image: string): Effect.Effect<string, InvalidRequest> =>
  Effect.map(parseImageReference(image), fullReference)

const makeImages = (docker: DockerShape, auth: RegistryAuthShape): ImagesShape => ({
  ...imageCollection(docker),
  ...imageInspection(docker),
  ...imageArchive(docker),
  ...imagePull(docker, auth),
  ...imagePush(docker, auth),
  build: buildImage(docker, auth)
})

/**
 * Images.
 *
 * @example
 * ```ts
 * import { Docker, Images, RegistryAuth } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const images = yield* Images
 *   const { platform, size } = yield* images.inspect("busybox:latest")
 *   return `${platform.os}/${platform.architecture}, ${size} bytes`
 * })
 *
 * const live = Images.layer.pipe(Layer.provide([Docker.layerConfig, RegistryAuth.layer()]))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Images extends Context.Tag("@dockwire/core/Images")<Images, ImagesShape>() {
  /**
   * Images of the engine behind `Docker`, pulled and pushed with the credentials that `RegistryAuth` finds.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Images, never, Docker | RegistryAuth> = Layer.effect(
    Images,
    Effect.zipWith(Docker, RegistryAuth, makeImages)
  )
}
