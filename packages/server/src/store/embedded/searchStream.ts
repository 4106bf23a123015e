/** A search as a stream: a few at a time, each asked for what comes next when somebody wants it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SearchElement, SearchHit, SearchRequest } from "../LogStore.js"
import type { LogStoreUnavailable } from "../LogStoreError.js"
import type { SearchProgress } from "../StoredLog.js"
import type { RawHit, SearchStep, SearchTask } from "../thread/messages.js"
import type { LogKeeper } from "./LogKeeper.js"
import { decodeItems } from "./decodeItems.js"
import type { Reader } from "./ReaderPool.js"

/** As many run at once. */
const maxSearches = 2

const taskOf = ({ context, cursor, limit, query }: SearchRequest): SearchTask => ({
  query,
  cursor,
  limit: limit ?? Number.MAX_SAFE_INTEGER,
  context: context ?? 0
})

const hitOf = ({ after, before, line }: RawHit): SearchHit => ({
  line,
  before: decodeItems(before),
  after: decodeItems(after)
})

const progressOf = ({ cursor, done, scannedTo, ...progress }: SearchStep["progress"]): SearchProgress => ({
  ...progress,
  ...(scannedTo === undefined ? {} : { scannedTo }),
  ...(done === undefined ? {} : { done }),
  ...(cursor === undefined ? {} : { cursor })
})

const elementOf = ({ hits, progress }: SearchStep): SearchElement => ({
  _tag: "SearchFound",
  hits: hits.map(hitOf),
  progress: progressOf(progress)
})

export class Searches {
  private readonly permits = Effect.unsafeMakeSemaphore(maxSearches)
  private present = 0
  private lastId = 0

  constructor(private readonly keeper: LogKeeper) {}

  run(request: SearchRequest): Stream.Stream<SearchElement, LogStoreUnavailable> {
    const task = taskOf(request)
    return Stream.unwrapScoped(
      Effect.gen(this, function* () {
        yield* Effect.acquireRelease(
          Effect.sync(() => this.present++),
          () => Effect.sync(() => this.present--)
        )
        const ahead = this.present - 1
        const waiting: ReadonlyArray<SearchElement> = ahead < maxSearches ? [] : [{ _tag: "SearchWaiting", ahead }]
        return Stream.concat(Stream.fromIterable(waiting), this.running(task))
      })
    )
  }

  /** Waits for a turn, which can be interrupted, and keeps it for the scope. */
  private readonly permit = Effect.uninterruptibleMask((restore) =>
    Effect.zipRight(
      restore(this.permits.take(1)),
      Effect.addFinalizer(() => this.permits.release(1))
    )
  )

  private running(task: SearchTask): Stream.Stream<SearchElement, LogStoreUnavailable> {
    return Stream.unwrapScoped(
      Effect.gen(this, function* () {
        const { keeper } = this
        yield* this.permit
        yield* keeper.flush
        if (!keeper.isOpen) return yield* Effect.fail(keeper.unavailable)
        const id = ++this.lastId
        const reader = yield* Effect.acquireRelease(
          Effect.sync(() => keeper.readers.acquire()),
          (used) =>
            Effect.sync(() => {
              used.thread.ask("endSearch", id).catch(() => {})
              keeper.readers.release(used)
            })
        )
        yield* this.call(() => reader.thread.ask("beginSearch", { id, task }))
        return this.steps(reader, id)
      })
    )
  }

  private steps(reader: Reader, id: number): Stream.Stream<SearchElement, LogStoreUnavailable> {
    return Stream.paginateEffect(id, () =>
      Effect.map(
        this.call(() => reader.thread.ask("continueSearch", id)),
        (step) => [elementOf(step), step.progress.done === undefined ? Option.some(id) : Option.none<number>()] as const
      )
    )
  }

  private call<A>(ask: () => Promise<A>): Effect.Effect<A, LogStoreUnavailable> {
    return Effect.tryPromise({ try: ask, catch: (error) => this.keeper.failed(error) })
  }
}
