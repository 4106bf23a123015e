/** A search over kept logs as a response. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogsError } from "@dockwire/core/Logs"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { jsonLines, type StreamFailed } from "../../Api/fields/streamed.js"
import type { KeptLogElement } from "../../Api/logs/KeptLogElement.js"
import { LogQuery } from "../../search/LogQuery.js"
import { parseTime } from "../../search/text/queryTime.js"
import type { LogStoreShape, SearchElement } from "../../store/LogStore.js"
import type { LogSourceNotFound, LogStoreUnavailable } from "../../store/LogStoreError.js"
import type { EngineSearches } from "./engineSearch.js"
import { begun, failed, streamTexts } from "../response/streamResponse.js"
import { sourceOfContainer } from "./findRange.js"
import { toKeptHit } from "./keptItem.js"

/** The query of a request for a search. */
export interface SearchQuery {
  readonly q: string
  readonly source?: ReadonlyArray<string>
  readonly container?: string
  readonly from?: string
  readonly to?: string
  readonly limit?: number
  readonly cursor?: string
  readonly context?: number
}

/** The time that is further on the way to `sign`. One that is none is returned, as it has to be refused. */
const narrower = (one: string | undefined, other: string | undefined, sign: 1 | -1): string | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  const [first, second] = [parseTime(one), parseTime(other)]
  if (first === undefined || second === undefined) return other
  return first > second === (sign === 1) ? one : other
}

const encodeQuery = Schema.encodeSync(LogQuery)

const queryOf = (
  store: LogStoreShape,
  { container, from, q, source, to }: SearchQuery
): Effect.Effect<LogQuery, InvalidRequest | LogStoreUnavailable | LogSourceNotFound> =>
  Effect.gen(function* () {
    const parsed = yield* LogQuery.parse(q)
    const given = [
      ...(source === undefined ? [] : [["source", source] as const]),
      ...(container === undefined ? [] : [["container", [container]] as const]),
      ...(parsed.sources === undefined ? [] : [["q", parsed.sources] as const])
    ]
    const [first, second] = given
    if (first !== undefined && second !== undefined) {
      const detail = `The sources are named by ${first[0]} already. Name them once.`
      return yield* new InvalidRequest({ field: second[0], value: second[1].join(", "), detail })
    }
    const sources = container === undefined ? first?.[1] : [yield* sourceOfContainer(store, container)]
    const begin = narrower(parsed.from, from, 1)
    const end = narrower(parsed.to, to, -1)
    return yield* LogQuery.decode({
      ...encodeQuery(parsed),
      ...(sources === undefined ? {} : { sources }),
      ...(begin === undefined ? {} : { from: begin }),
      ...(end === undefined ? {} : { to: end })
    })
  })

const toElement = (element: SearchElement): KeptLogElement =>
  element._tag === "SearchWaiting" ? element : { ...element, hits: element.hits.map(toKeptHit) }

const encode = (element: KeptLogElement | StreamFailed): string => `${JSON.stringify(element)}\n`

type SearchError = LogsError | LogStoreUnavailable | LogSourceNotFound

/** Searches what is kept, or the engine's log of a container of which nothing is. */
const search = (
  store: LogStoreShape,
  engine: EngineSearches,
  { context, cursor, limit, ...query }: SearchQuery
): Effect.Effect<Stream.Stream<SearchElement, SearchError>, SearchError> => {
  const options = {
    ...(cursor === undefined ? {} : { cursor }),
    ...(limit === undefined ? {} : { limit }),
    ...(context === undefined ? {} : { context })
  }
  const { container, ...rest } = query
  const kept = Effect.map(queryOf(store, query), (found): Stream.Stream<SearchElement, SearchError> =>
    store.search({ query: found, ...options })
  )
  const inEngine = (unknown: LogSourceNotFound | LogStoreUnavailable) =>
    container === undefined
      ? Effect.fail(unknown)
      : Effect.map(queryOf(store, rest), (found) =>
          engine
            .run(container, { query: found, ...options })
            .pipe(Stream.catchTag("ContainerNotFound", () => Stream.fail(unknown)))
        )
  return Effect.catchTags(kept, { LogSourceNotFound: inEngine, LogStoreUnavailable: inEngine })
}

/** Responds with what a search finds, as it finds it. It ends when the response is no longer read. */
export const searchResponse = (
  store: LogStoreShape,
  engine: EngineSearches,
  query: SearchQuery
): Effect.Effect<HttpServerResponse.HttpServerResponse, SearchError, Scope.Scope> =>
  Effect.gen(function* () {
    const elements = yield* begun(Stream.unwrap(search(store, engine, query)))
    const texts = elements.pipe(
      Stream.map((element) => encode(toElement(element))),
      Stream.catchAll((error) => Stream.succeed(encode(failed(error))))
    )
    return streamTexts(texts, jsonLines)
  })
