/** Builds the steps of the demo's programs from effects. */
import type { ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The current time. */
export const currentDate: Effect.Effect<Date> = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis))

/** Runs the effect once and emits its steps. */
export const runOnce = (effect: Effect.Effect<ReadonlyArray<ProgramStep>>): Stream.Stream<ProgramStep> =>
  Stream.mapConcat(Stream.fromEffect(effect), (steps) => steps)

/** Runs the effect forever and emits the steps of each run. */
export const runForever = (effect: Effect.Effect<ReadonlyArray<ProgramStep>>): Stream.Stream<ProgramStep> =>
  Stream.mapConcat(Stream.repeatEffect(effect), (steps) => steps)
