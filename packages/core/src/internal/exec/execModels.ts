import * as Schema from "effect/Schema"
import { OutputPiece } from "../api/streams/outputPiece.js"

/**
 * The output of a command, and how it exited.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecResult = Schema.Struct({
  exitCode: Schema.Number,
  stdout: Schema.String.annotations({ description: "Decoded as UTF-8" }),
  stderr: Schema.String.annotations({ description: "Decoded as UTF-8" })
}).annotations({ identifier: "ExecResult", description: "The output of a command, and how it exited" })

/**
 * @since 0.1.0
 * @category models
 */
export type ExecResult = typeof ExecResult.Type

/**
 * The last element of a command's output.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecExit = Schema.TaggedStruct("Exit", { exitCode: Schema.Number }).annotations({
  identifier: "ExecExit",
  description: "The last element of a command's output"
})

/**
 * @since 0.1.0
 * @category models
 */
export type ExecExit = typeof ExecExit.Type

/**
 * A piece of a command's output, or its exit.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecOutput = Schema.Union(OutputPiece, ExecExit).annotations({
  identifier: "ExecOutput",
  description: "A piece of a command's output, or its exit"
})

/**
 * @since 0.1.0
 * @category models
 */
export type ExecOutput = typeof ExecOutput.Type
