import * as Schema from "effect/Schema"

/**
 * What the progress of a compose project is about.
 *
 * @since 0.1.0
 * @category models
 */
export const ComposeResource = Schema.Struct({
  /** A `service` here is its image, which is pulled or built. */
  kind: Schema.Literal("container", "network", "volume", "image", "service", "config", "secret", "layer"),
  name: Schema.String,
  /** The service or the image that a layer belongs to, if compose tells. */
  parent: Schema.optionalWith(Schema.String, { exact: true }),
  /** What compose says besides its status word, such as an error. */
  detail: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "ComposeResource" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeResource = typeof ComposeResource.Type
