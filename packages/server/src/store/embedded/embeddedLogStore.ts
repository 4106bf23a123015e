/** The store in a file of the data directory. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { parseCursor } from "../LogCursor.js"
import { defaultLogRetention, type LogRange, type LogRetention, type StoredItem } from "../LogRecord.js"
import type { LogStoreShape } from "../LogStore.js"
import type { LogStoreUnavailable } from "../LogStoreError.js"
import { parseTimeBound } from "../read/timeBound.js"
import { threadProgram } from "../thread/threadProgram.js"
import { decodeItems } from "./decodeItems.js"
import { LogKeeper } from "./LogKeeper.js"
import type { ReaderThread } from "./ReaderPool.js"
import { Searches } from "./searchStream.js"

/** The settings of the embedded store. */
export interface EmbeddedLogStoreOptions {
  readonly dataDir: string
  /** Default: 50 MiB of text for a source, 1 GiB in all, 30 days. */
  readonly retention?: Partial<LogRetention>
  /** How long a file that cannot be used is left alone, in milliseconds. Default: 5,000. */
  readonly retryAfter?: number
  /** The program of the threads, where it isn't beside this code, as when a test loads the sources. */
  readonly program?: URL
}

/** As many records are read at once, unless they are long. */
const pageRecords = 2_000

const checkTime = (field: string, time: string | undefined): Effect.Effect<void, InvalidRequest> =>
  time === undefined || parseTimeBound(time) !== undefined
    ? Effect.void
    : Effect.fail(new InvalidRequest({ field, value: time, detail: "must be an RFC 3339 timestamp" }))

const checkCursor = (cursor: string | undefined): Effect.Effect<void, InvalidRequest> =>
  cursor === undefined || parseCursor(cursor) !== undefined
    ? Effect.void
    : Effect.fail(
        new InvalidRequest({
          field: "cursor",
          value: cursor,
          detail: "not a cursor. Use one that a read or a search gave."
        })
      )

const checkCount = (field: string, count: number | undefined, least: number): Effect.Effect<void, InvalidRequest> =>
  count === undefined || (Number.isInteger(count) && count >= least)
    ? Effect.void
    : Effect.fail(
        new InvalidRequest({ field, value: String(count), detail: `must be a whole number, ${least} or more` })
      )

export const makeEmbeddedLogStore = (
  options: EmbeddedLogStoreOptions
): Effect.Effect<LogStoreShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const retention = { ...defaultLogRetention, ...options.retention }
    const keeper = yield* LogKeeper.make({
      file: join(options.dataDir, "logs.db"),
      program: options.program ?? threadProgram,
      retention,
      retryAfter: options.retryAfter ?? 5_000
    })
    const searches = new Searches(keeper)

    /** Asks a thread that reads, after everything was stored that was taken before. */
    const ask = <A>(call: (thread: ReaderThread) => Promise<A>): Effect.Effect<A, LogStoreUnavailable> =>
      Effect.suspend(() => {
        if (!keeper.isOpen) return Effect.fail(keeper.unavailable)
        return Effect.acquireUseRelease(
          Effect.sync(() => keeper.readers.acquire()),
          ({ thread }) => Effect.tryPromise({ try: () => call(thread), catch: (error) => keeper.failed(error) }),
          (reader) => Effect.sync(() => keeper.readers.release(reader))
        )
      })

    const pages = (range: LogRange): Stream.Stream<ReadonlyArray<StoredItem>, LogStoreUnavailable> =>
      Stream.paginateEffect(
        { cursor: range.cursor, left: range.limit ?? Number.MAX_SAFE_INTEGER },
        ({ cursor, left }) => {
          const { cursor: _, ...bounds } = range
          const limit = Math.min(left, pageRecords)
          const page = ask((thread) =>
            thread.ask("page", { ...bounds, ...(cursor === undefined ? {} : { cursor }), limit })
          )
          return Effect.map(page, (found) => {
            const next = found?.next
            const rest = left - (found?.records ?? 0)
            const isLast = next === undefined || rest <= 0
            return [
              decodeItems(found?.items ?? []),
              isLast ? Option.none() : Option.some({ cursor: next, left: rest })
            ] as const
          })
        }
      )

    return {
      append: (batch) => keeper.append(batch),
      flush: keeper.flush,
      resume: (containerId) => Effect.map(keeper.resume(containerId), Option.fromNullable),
      read: (range) =>
        Stream.unwrap(
          Effect.all([
            checkCursor(range.cursor),
            checkTime("from", range.from),
            checkTime("to", range.to),
            checkCount("limit", range.limit, 1),
            keeper.flush
          ]).pipe(Effect.as(pages(range)))
        ),
      search: (request) =>
        Stream.unwrap(
          Effect.all([
            checkCursor(request.cursor),
            checkCount("limit", request.limit, 1),
            checkCount("context", request.context, 0)
          ]).pipe(Effect.as(searches.run(request)))
        ),
      histogram: (request) =>
        Effect.all([
          checkTime("from", request.from),
          checkTime("to", request.to),
          checkCount("buckets", request.buckets, 1),
          keeper.flush
        ]).pipe(Effect.zipRight(ask((thread) => thread.ask("histogram", request)))),
      sources: Effect.zipRight(
        keeper.flush,
        ask((thread) => thread.ask("sources", undefined))
      ),
      retain: (limits) => Effect.zipRight(keeper.flush, keeper.retain({ ...retention, ...limits })),
      opened: Effect.void,
      status: () => keeper.status,
      statusChanges: keeper.statuses.changes
    }
  })
