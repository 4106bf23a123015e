import * as Schema from "effect/Schema"

/**
 * How a compose file was checked before it was written: by compose (`Compose`), or only whether it is the YAML of a compose file
 * (`YamlOnly`), with the reason why compose did not check it: it is not installed, or the file includes or extends others.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeFileValidation = Schema.Union(
  Schema.TaggedStruct("Compose", { version: Schema.String }),
  Schema.TaggedStruct("YamlOnly", { detail: Schema.String })
).annotations({ identifier: "ComposeFileValidation", description: "How a compose file was checked" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeFileValidation = typeof ComposeFileValidation.Type

/**
 * A compose file in the folder of the service.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeFile = Schema.Struct({
  /** The name of its project. */
  name: Schema.String,
  path: Schema.String,
  /** In bytes. */
  size: Schema.Number,
  /** When it was last changed, RFC 3339. */
  modified: Schema.String
}).annotations({ identifier: "ComposeFile" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeFile = typeof ComposeFile.Type

/**
 * How a compose file differs from what its URL leads to.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeFileComparison = Schema.Struct({
  path: Schema.String,
  /** Whether the content differs, by any byte. */
  changed: Schema.Boolean,
  /** A unified diff from the file to what the URL leads to. Empty if they are equal. */
  diff: Schema.String
}).annotations({ identifier: "ComposeFileComparison" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeFileComparison = typeof ComposeFileComparison.Type

/**
 * What was done to a compose file.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeFileUpdate = Schema.Struct({
  path: Schema.String,
  /** Whether the file was written: it is not if its content is what the URL leads to. */
  changed: Schema.Boolean,
  /** A unified diff from the previous content to the new one. */
  diff: Schema.String,
  /** Where the previous content is, if there was any and the file was written. */
  backup: Schema.optionalWith(Schema.String, { exact: true }),
  /** How the new content was checked, if the file was written. */
  validation: Schema.optionalWith(ComposeFileValidation, { exact: true })
}).annotations({ identifier: "ComposeFileUpdate" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeFileUpdate = typeof ComposeFileUpdate.Type
