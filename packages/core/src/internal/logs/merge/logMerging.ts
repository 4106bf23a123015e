import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  type ExistingElements,
  type MergeSource,
  type TimedElement,
  TimeMerger,
  type TimeMergerOptions
} from "../../../TimeMerger.js"

/** How many arrays of a log wait to be merged, and how many elements are handed over together. */
const [mostArrays, mostElements] = [4, 2_048] as const

/** How long at least to wait for more once elements are due, in milliseconds: to be woken for each one would take the most time. */
const paceMillis = 10

/** One of the logs that are merged. */
export interface MergingLog<A extends TimedElement> {
  /** Adds its next elements. Done when there is room for more. */
  readonly offer: (elements: ReadonlyArray<A>) => Effect.Effect<void>
  /** Nothing more follows. */
  readonly end: Effect.Effect<void>
}

interface Joined<A extends TimedElement> {
  readonly source: MergeSource<A>
  readonly hasRoom: Effect.Latch
  /** Whether the others may wait for it. */
  readonly isAwaited: boolean
}

/** Merges logs in the order of time as they arrive. Logs can join at any time. */
export class LogMerging<A extends TimedElement, E> {
  readonly #merger: TimeMerger<A>
  readonly #joined = new Set<Joined<A>>()
  /** Open when there may be something to hand over. */
  readonly #news = Effect.unsafeMakeLatch(false)
  /** Whether nothing is due at any time. */
  #isIdle = true
  #failure: Cause.Cause<E> | undefined

  /** @param isEndless whether others may join when all have ended */
  constructor(
    readonly options: TimeMergerOptions,
    readonly isEndless: boolean
  ) {
    this.#merger = new TimeMerger(options)
  }

  join(existing: ExistingElements): Effect.Effect<MergingLog<A>> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const joined: Joined<A> = {
        source: this.#merger.add(now, existing),
        hasRoom: Effect.unsafeMakeLatch(true),
        isAwaited: existing !== undefined && Number.isFinite(this.options.stallMillis)
      }
      this.#joined.add(joined)
      const end = Effect.sync(() => {
        joined.source.end()
        this.#joined.delete(joined)
        this.#news.unsafeOpen()
      })
      return { offer: (elements) => this.#offer(joined, elements), end }
    })
  }

  #offer({ hasRoom, isAwaited, source }: Joined<A>, elements: ReadonlyArray<A>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const isAnswer = isAwaited && source.waiting === 0
      source.offer(elements, now)
      if (source.waiting >= mostArrays) hasRoom.unsafeClose()
      // What waits for others is handed over when it is due.
      if (isAnswer || this.#isIdle || this.#merger.isComplete) this.#news.unsafeOpen()
      return hasRoom.await
    })
  }

  /** Ends the merging with the failure of a log. */
  fail(cause: Cause.Cause<E>): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#failure ??= cause
      this.#news.unsafeOpen()
    })
  }

  /** What has been put in order, in arrays of the elements that are handed over together. */
  get merged(): Stream.Stream<ReadonlyArray<A>, E> {
    const next = Effect.repeat(this.#next, { until: (elements) => elements.length > 0 })
    return Stream.repeatEffectOption(next)
  }

  /** The next elements; none after a wait. */
  get #next(): Effect.Effect<ReadonlyArray<A>, Option.Option<E>> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (this.#failure !== undefined) return Effect.failCause(Cause.map(this.#failure, Option.some))
      this.#news.unsafeClose()
      const elements = this.#merger.take(now, mostElements)
      if (elements.length > 0) {
        for (const { hasRoom, source } of this.#joined) if (source.waiting < mostArrays) hasRoom.unsafeOpen()
        return Effect.succeed(elements)
      }
      if (this.#merger.isDone && !this.isEndless) return Effect.fail(Option.none())
      const due = this.#merger.nextAt(now)
      this.#isIdle = due === undefined
      const wait =
        due === undefined ? this.#news.await : Effect.timeoutOption(this.#news.await, Math.max(paceMillis, due - now))
      return Effect.as(wait, elements)
    })
  }
}
