/**
 * Images: list, inspect, tag, remove, prune, save and load.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { Docker, type DockerShape } from "./Docker.js"
import type { DockerFailure, ImageNotFound, InvalidRequest, PruneInProgress, ResourceInUse } from "./DockerError.js"
import type { PruneReport } from "./internal/api/filters.js"
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
import { RegistryAuth, type RegistryAuthShape } from "./RegistryAuth.js"

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
}

const makeImages = (docker: DockerShape, _auth: RegistryAuthShape): ImagesShape => ({
  ...imageCollection(docker),
  ...imageInspection(docker),
  ...imageArchive(docker)
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
