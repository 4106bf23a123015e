import * as Schema from "effect/Schema"
import { RawObject, StringRecord } from "../api/decode.js"

/**
 * A volume.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Volume = Schema.Struct({
  name: Schema.String,
  driver: Schema.String,
  /** Path of the volume on the engine's host. */
  mountpoint: Schema.String,
  /** Creation time, RFC 3339. Absent if the driver does not report it. */
  created: Schema.optionalWith(Schema.String, { exact: true }),
  /** `local` or `global`. */
  scope: Schema.String,
  /** Driver options. */
  options: StringRecord,
  labels: StringRecord,
  /** The complete response from the engine. */
  raw: RawObject
}).annotations({ identifier: "Volume" })

/**
 * @since 0.1.0
 * @category models
 */
export type Volume = typeof Volume.Type
