import * as Schema from "effect/Schema"
import { LogStream } from "../../../LogEvent.js"

/**
 * A piece of output. Pieces may begin and end in the middle of a line or a character.
 *
 * @since 0.1.0
 * @category schemas
 */
export const OutputPiece = Schema.TaggedStruct("Output", {
  stream: LogStream,
  bytes: Schema.Uint8ArrayFromSelf
}).annotations({
  identifier: "OutputPiece",
  description: "A piece of output. Pieces may begin and end in the middle of a line or a character"
})

/**
 * @since 0.1.0
 * @category models
 */
export type OutputPiece = typeof OutputPiece.Type
