import * as Data from "effect/Data"

/** An error that the Engine API responds with. The door turns it into an `EngineError`. */
export class ErrorResponse extends Data.TaggedError("ErrorResponse")<{
  readonly status: number
  readonly message: string
}> {}

/** Creates an error response, to yield or to fail with. */
export const errorResponse = (status: number, message: string): ErrorResponse => new ErrorResponse({ status, message })
