/** Whose turn it is: at most so many operations of a kind run at once, and the others wait in the order in which they came. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** How many operations of each kind run at once; `default` is for kinds that are not named. */
export type TurnLimits = Readonly<Record<string, number>> & { readonly default: number }

/** Builds share one builder, and pulls one line: more of them at once are slower, not faster. */
export const defaultTurnLimits: TurnLimits = { build_image: 2, compose_build: 2, default: 4 }

/** What is in front of an operation that has to wait. */
export interface Wait {
  readonly running: number
  /** From 1. */
  readonly position: number
}

/** The place of an operation. */
export interface Turn {
  /** Set if it is not yet its turn. */
  readonly wait: Wait | undefined
  /** Completes when it is. */
  readonly ready: Effect.Effect<void>
}

interface Place {
  isRunning: boolean
  resume: () => void
}

interface Kind {
  running: number
  readonly queue: Array<Place>
}

const nouns: Readonly<Record<string, readonly [one: string, many: string]>> = {
  build_image: ["build", "builds"],
  compose_build: ["build", "builds"],
  pull_image: ["pull", "pulls"],
  pull_images: ["pull of a project", "pulls of projects"],
  push_image: ["push", "pushes"],
  run_compose: ["start of a project", "starts of projects"]
}

/** The first line of an operation that waits. */
export const waitLine = (kind: string, { position, running }: Wait): string => {
  const [one, many] = nouns[kind] ?? [`${kind} operation`, `${kind} operations`]
  return `Waiting: ${running} ${running === 1 ? `${one} is` : `${many} are`} running. Position ${position} in the queue.`
}

/** The turns of all kinds. */
export class Turns {
  private readonly kinds = new Map<string, Kind>()

  constructor(private readonly limits: TurnLimits) {}

  /** Takes a place for as long as the scope is open. */
  take(kind: string): Effect.Effect<Turn, never, Scope.Scope> {
    return Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => this.enter(kind)),
        ({ place }) => Effect.sync(() => this.leave(kind, place))
      ),
      ({ turn }) => turn
    )
  }

  private enter(name: string): { readonly place: Place; readonly turn: Turn } {
    const kind = this.kinds.get(name) ?? { running: 0, queue: [] }
    this.kinds.set(name, kind)
    const place: Place = { isRunning: false, resume: () => {} }
    const ready = Effect.async<void>((resume) => {
      place.resume = () => resume(Effect.void)
      if (place.isRunning) place.resume()
    })
    if (kind.running < (this.limits[name] ?? this.limits.default)) {
      kind.running++
      place.isRunning = true
      return { place, turn: { wait: undefined, ready } }
    }
    kind.queue.push(place)
    return { place, turn: { wait: { running: kind.running, position: kind.queue.length }, ready } }
  }

  private leave(name: string, place: Place): void {
    const kind = this.kinds.get(name)
    if (kind === undefined) return
    if (!place.isRunning) {
      kind.queue.splice(kind.queue.indexOf(place), 1)
      return
    }
    const next = kind.queue.shift()
    if (next === undefined) {
      kind.running--
      if (kind.running === 0) this.kinds.delete(name)
      return
    }
    next.isRunning = true
    next.resume()
  }
}
