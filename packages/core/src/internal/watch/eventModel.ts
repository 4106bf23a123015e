import * as Schema from "effect/Schema"
import { StringRecord } from "../api/decode.js"

/**
 * An event of the engine.
 *
 * @since 0.1.0
 * @category models
 */
export const EngineEvent = Schema.Struct({
  /** `container`, `image`, `volume`, `network`, ... */
  type: Schema.String,
  /** `start`, `die`, `destroy`, ...; some actions carry details after a colon: `health_status: healthy`. */
  action: Schema.String,
  /** The id of the object; for images and volumes, its name. */
  id: Schema.String,
  /** The engine's attributes: name, image, exit code, labels, ... */
  attributes: StringRecord,
  /** Nanoseconds since the epoch, by the engine's clock. */
  timeNano: Schema.BigInt
}).annotations({ identifier: "EngineEvent" })

/**
 * @since 0.1.0
 * @category models
 */
export type EngineEvent = typeof EngineEvent.Type
