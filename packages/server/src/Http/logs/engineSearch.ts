/** A search in the engine's log of a container that is not kept. */
import type { Containers } from "@dockwire/core/Containers"
import { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogsError, LogsShape } from "@dockwire/core/Logs"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LogMatcher } from "../../search/LogMatcher.js"
import type { SearchElement, SearchRequest } from "../../store/LogStore.js"
import { EngineScan, parseEngineCursor } from "./EngineScan.js"

/** As many run at once. */
const maxScans = 2
/** So many lines are found at most, as they are in memory until the end. */
const maxHits = 10_000
/** How far a search is, is told so often, in milliseconds. */
const tellEvery = 200

/** Searches logs that the engine has. */
export class EngineSearches {
  private readonly permits = Effect.unsafeMakeSemaphore(maxScans)
  private present = 0

  constructor(
    private readonly containers: Context.Tag.Service<typeof Containers>,
    private readonly logs: LogsShape
  ) {}

  /** Searches the log of a container, which is read from its beginning: the newest line is known at the end. */
  run(container: string, request: SearchRequest): Stream.Stream<SearchElement, LogsError> {
    return Stream.unwrapScoped(
      Effect.gen(this, function* () {
        const { cursor: text, query } = request
        const cursor = text === undefined ? undefined : parseEngineCursor(text)
        if (text !== undefined && cursor === undefined) {
          const detail = "not a cursor of a search in this log. Use one that it gave."
          return yield* new InvalidRequest({ field: "cursor", value: text, detail })
        }
        const { id, name } = yield* this.containers.inspect(container)
        yield* Effect.acquireRelease(
          Effect.sync(() => this.present++),
          () => Effect.sync(() => this.present--)
        )
        const ahead = this.present - 1
        const waiting: ReadonlyArray<SearchElement> = ahead < maxScans ? [] : [{ _tag: "SearchWaiting", ahead }]
        const scan = new EngineScan({
          matcher: LogMatcher.make(query),
          source: name,
          ...(cursor === undefined ? {} : { cursor }),
          limit: Math.min(request.limit ?? maxHits, maxHits),
          context: request.context ?? 0
        })
        const since = query.from === undefined ? {} : { since: query.from }
        return Stream.concat(Stream.fromIterable(waiting), this.scanned(scan, id, since))
      })
    )
  }

  private scanned(
    scan: EngineScan,
    id: string,
    since: { readonly since?: string }
  ): Stream.Stream<SearchElement, LogsError> {
    let toldAt = 0
    const read = this.logs.readBatches(id, since).pipe(
      Stream.takeWhile((lines) => scan.take(lines)),
      Stream.mapEffect(() =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          if (now - toldAt < tellEvery) return Option.none()
          toldAt = now
          return Option.some(scan.progress)
        })
      ),
      Stream.filterMap((progress) => progress)
    )
    const turn = Effect.uninterruptibleMask((restore) =>
      Effect.zipRight(
        restore(this.permits.take(1)),
        Effect.addFinalizer(() => this.permits.release(1))
      )
    )
    const results = Stream.suspend(() => Stream.fromIterable(scan.results))
    return Stream.unwrapScoped(Effect.as(turn, Stream.concat(read, results)))
  }
}
