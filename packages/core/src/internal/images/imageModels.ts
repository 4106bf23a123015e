import * as Schema from "effect/Schema"
import { RawObject, StringRecord } from "../api/decode.js"

const exact = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

/**
 * An image in a list.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ImageSummary = Schema.Struct({
  /** `sha256:` and 64 hexadecimal digits. */
  id: Schema.String,
  /** The references with a tag, such as `busybox:latest`. Empty for a dangling image. */
  tags: Schema.Array(Schema.String),
  /**
   * The references with a digest, such as `busybox@sha256:...`. Empty unless the image came from or went to a registry, or the
   * engine keeps its images in containerd.
   */
  digests: Schema.Array(Schema.String),
  /** Creation time in Unix seconds. */
  created: Schema.Number,
  /** In bytes, shared layers included. */
  size: Schema.Number,
  labels: StringRecord,
  /** The id of the image that the classic builder built this one on. Missing if there is none on the engine. */
  parent: exact(Schema.String),
  /** The number of containers that use the image. Missing if the engine does not count them: before 28, Docker does not. */
  containers: exact(Schema.Number)
}).annotations({ identifier: "ImageSummary" })

/**
 * @since 0.1.0
 * @category models
 */
export type ImageSummary = typeof ImageSummary.Type

/**
 * The platform of an image.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ImagePlatform = Schema.Struct({
  /** Such as `linux`. */
  os: Schema.String,
  /** Such as `amd64` or `arm64`. */
  architecture: Schema.String,
  /** Such as `v7`. */
  variant: exact(Schema.String)
}).annotations({ identifier: "ImagePlatform" })

/**
 * @since 0.1.0
 * @category models
 */
export type ImagePlatform = typeof ImagePlatform.Type

/**
 * The defaults that an image sets for its containers.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ImageDefaults = Schema.Struct({
  command: Schema.Array(Schema.String),
  entrypoint: Schema.Array(Schema.String),
  environment: StringRecord,
  /** Such as `80/tcp`. */
  exposedPorts: Schema.Array(Schema.String),
  /** Paths that become anonymous volumes. */
  volumes: Schema.Array(Schema.String),
  labels: StringRecord,
  /** Empty for root. */
  user: Schema.String,
  /** Empty for `/`. */
  workingDirectory: Schema.String,
  stopSignal: exact(Schema.String)
}).annotations({ identifier: "ImageDefaults" })

/**
 * @since 0.1.0
 * @category models
 */
export type ImageDefaults = typeof ImageDefaults.Type

/**
 * The details of an image.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ImageDetails = Schema.Struct({
  /** `sha256:` and 64 hexadecimal digits. */
  id: Schema.String,
  /** The references with a tag, such as `busybox:latest`. */
  tags: Schema.Array(Schema.String),
  /** The references with a digest, such as `busybox@sha256:...`. */
  digests: Schema.Array(Schema.String),
  /** RFC 3339. Missing if the image does not tell. */
  created: exact(Schema.String),
  platform: ImagePlatform,
  /** In bytes, shared layers included. */
  size: Schema.Number,
  /** The digests of the uncompressed layers, the base first. */
  layers: Schema.Array(Schema.String),
  defaults: ImageDefaults,
  raw: RawObject
}).annotations({ identifier: "ImageDetails" })

/**
 * @since 0.1.0
 * @category models
 */
export type ImageDetails = typeof ImageDetails.Type

/**
 * A step in the history of an image.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ImageHistoryStep = Schema.Struct({
  /** The id of the image that the step created. Missing if the engine does not have it. */
  id: exact(Schema.String),
  /** Creation time in Unix seconds. */
  created: Schema.Number,
  /** The instruction, as the builder wrote it. */
  createdBy: Schema.String,
  /** The bytes that the step added. */
  size: Schema.Number,
  tags: Schema.Array(Schema.String),
  comment: Schema.String
}).annotations({ identifier: "ImageHistoryStep" })

/**
 * @since 0.1.0
 * @category models
 */
export type ImageHistoryStep = typeof ImageHistoryStep.Type

/**
 * What removing an image did.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RemovedImage = Schema.Struct({
  /** The references that no longer exist. */
  untagged: Schema.Array(Schema.String),
  /** The ids of the images and layers that were deleted. Empty if the image has other tags. */
  deleted: Schema.Array(Schema.String)
}).annotations({ identifier: "RemovedImage" })

/**
 * @since 0.1.0
 * @category models
 */
export type RemovedImage = typeof RemovedImage.Type
