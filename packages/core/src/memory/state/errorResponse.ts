import * as Data from "effect/Data"

/** The engine's no: what the door gives out as an `EngineError`. */
export class ErrorResponse extends Data.TaggedError("ErrorResponse")<{
  readonly status: number
  readonly message: string
}> {}

/** The engine's no, as a value to yield or to fail with. */
export const errorResponse = (status: number, message: string): ErrorResponse => new ErrorResponse({ status, message })
