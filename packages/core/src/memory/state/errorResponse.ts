import * as Data from "effect/Data"

/** The engine's no: what the door gives out as an `EngineError`. */
export class Refusal extends Data.TaggedError("Refusal")<{ readonly status: number; readonly message: string }> {}

/** The engine's no, as a value to yield or to fail with. */
export const refusal = (status: number, message: string): Refusal => new Refusal({ status, message })
