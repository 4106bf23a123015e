import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const exact = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

/**
 * Options of `Images.pull`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImagePullOptions {
  /** Such as `linux/arm64`. Default: the engine's own. */
  readonly platform?: string
  /** How long the engine may report nothing new before the pull fails as `Stalled`. Default 60 seconds. */
  readonly stallTimeout?: Duration.DurationInput
}

/**
 * Options of `Images.push`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImagePushOptions {
  /** How long the engine may report nothing new before the push fails as `Stalled`. Default 60 seconds. */
  readonly stallTimeout?: Duration.DurationInput
}

/**
 * An image that was pulled.
 *
 * @since 0.1.0
 * @category schemas
 */
export const PulledImage = Schema.Struct({
  /** `sha256:` and 64 hexadecimal digits. */
  id: Schema.String,
  /** As the docker command prints it, such as `busybox:latest`. */
  reference: Schema.String,
  /** The digest in the registry: `sha256:` and 64 hexadecimal digits. Missing if the engine does not tell. */
  digest: exact(Schema.String),
  /** Whether the engine did not have this image under this reference before. */
  updated: Schema.Boolean
}).annotations({ identifier: "PulledImage" })

/**
 * @since 0.1.0
 * @category models
 */
export type PulledImage = typeof PulledImage.Type

/**
 * An image that was pushed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const PushedImage = Schema.Struct({
  /** As the docker command prints it, such as `localhost:5000/team/app:1.0`. */
  reference: Schema.String,
  /** The digest in the registry: `sha256:` and 64 hexadecimal digits. */
  digest: Schema.String
}).annotations({ identifier: "PushedImage" })

/**
 * @since 0.1.0
 * @category models
 */
export type PushedImage = typeof PushedImage.Type
