/** How many operations run, and how they have ended. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"

const running = Metric.gauge("dockwire_operations_running", {
  description: "Operations that run or wait for their turn."
})

const ended = Metric.counter("dockwire_operations_ended_total", { description: "Operations that have ended." })

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "completed" : Exit.isInterrupted(exit) ? "interrupted" : "failed"

/** Counts an operation of this kind, whose end this awaits. */
export const counted = <A, E>(kind: string, end: Effect.Effect<Exit.Exit<A, E>>): Effect.Effect<Exit.Exit<A, E>> => {
  const runningOfKind = Metric.tagged(running, "kind", kind)
  return Effect.acquireUseRelease(
    Metric.incrementBy(runningOfKind, 1),
    () => Effect.interruptible(end),
    (_, exit) => {
      const outcome = Exit.isSuccess(exit) ? outcomeOf(exit.value) : "interrupted"
      const endedSo = ended.pipe(Metric.tagged("kind", kind), Metric.tagged("outcome", outcome))
      return Effect.zipRight(Metric.incrementBy(runningOfKind, -1), Metric.increment(endedSo))
    }
  )
}
