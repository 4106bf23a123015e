/** The steps of the demo's programs, made turn by turn. */
import type { ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The moment now. */
export const now: Effect.Effect<Date> = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis))

/** Steps that never end: what comes of each turn. */
export const forever = (turn: Effect.Effect<ReadonlyArray<ProgramStep>>): Stream.Stream<ProgramStep> =>
  Stream.mapConcat(Stream.repeatEffect(turn), (steps) => steps)

/** Steps that come of one turn. */
export const first = (turn: Effect.Effect<ReadonlyArray<ProgramStep>>): Stream.Stream<ProgramStep> =>
  Stream.mapConcat(Stream.fromEffect(turn), (steps) => steps)
