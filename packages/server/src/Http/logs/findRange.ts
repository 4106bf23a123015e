/** What a request for kept logs asks for, as the store is asked. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LineLink } from "../../search/LineLink.js"
import { findKeptContainer } from "../../store/find/keptContainer.js"
import { cursorInFrontOf } from "../../store/LogCursor.js"
import type { LogRange, StoredLine } from "../../store/LogRecord.js"
import type { LogStoreShape } from "../../store/LogStore.js"
import { nextNanosecond } from "../../store/nextNanosecond.js"
import { LineNotFound, LogSourceNotFound, type LogStoreUnavailable } from "../../store/LogStoreError.js"

/** The query of a request, as far as a range takes it. */
export interface RangeQuery extends Partial<Pick<LogRange, "direction" | "cursor" | "from" | "to" | "limit">> {
  readonly source?: ReadonlyArray<string>
  readonly container?: string
  readonly around?: string
}

/** Why there is no range. */
export type RangeError = LogStoreUnavailable | InvalidRequest | LogSourceNotFound | LineNotFound

/** The line that a link leads to. */
const findLine = (
  store: LogStoreShape,
  source: string,
  link: LineLink
): Effect.Effect<StoredLine, LogStoreUnavailable | InvalidRequest | LineNotFound> => {
  const { generation: containerId, timestamp } = link
  const atOnce = { source, containerId, direction: "forward", from: timestamp, to: nextNanosecond(timestamp) } as const
  return store.read(atOnce).pipe(
    Stream.flattenIterables,
    Stream.filter((item) => item._tag === "StoredLine" && item.stream === link.stream && item.place === link.place),
    Stream.runHead,
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.fail(new LineNotFound({ link: String(link) })),
        onSome: (item) =>
          item._tag === "StoredLine" ? Effect.succeed(item) : Effect.fail(new LineNotFound({ link: String(link) }))
      })
    )
  )
}

/** The id of the source of a container. */
export const sourceOfContainer = (
  store: LogStoreShape,
  container: string
): Effect.Effect<string, LogStoreUnavailable | LogSourceNotFound> =>
  Effect.flatMap(store.sources, (sources) => {
    const found = findKeptContainer(sources, container)
    return found === undefined
      ? Effect.fail(new LogSourceNotFound({ source: container }))
      : Effect.succeed(found.source.id)
  })

const parseLink = (text: string): Effect.Effect<LineLink, InvalidRequest> =>
  Effect.mapError(LineLink.parse(text), ({ detail, value }) => new InvalidRequest({ field: "around", value, detail }))

const refuse = (field: string, value: string, detail: string) =>
  Effect.fail(new InvalidRequest({ field, value, detail }))

const findSource = (
  store: LogStoreShape,
  { container, source }: RangeQuery,
  link: LineLink | undefined
): Effect.Effect<string, LogStoreUnavailable | InvalidRequest | LogSourceNotFound> => {
  if (source !== undefined && source.length > 1) {
    return refuse("source", source.join(", "), "A range is of one source. Name one, or search several with q.")
  }
  if (source !== undefined && container !== undefined) {
    return refuse("container", container, "Name a source or a container, not both.")
  }
  if (container !== undefined) return sourceOfContainer(store, container)
  const id = source?.[0] ?? link?.source
  return id === undefined
    ? refuse("source", "", "Name the source of the range, a container, or what to search for, as q.")
    : Effect.succeed(id)
}

/** The range that a request asks for. */
export const findRange = (store: LogStoreShape, query: RangeQuery): Effect.Effect<LogRange, RangeError> =>
  Effect.gen(function* () {
    const { around, cursor, direction = "forward", from, limit, to } = query
    if (around !== undefined && cursor !== undefined) {
      return yield* refuse("cursor", cursor, "A range begins at a cursor or around a line, not both.")
    }
    const link = around === undefined ? undefined : yield* parseLink(around)
    const source = yield* findSource(store, query, link)
    const start =
      link === undefined ? cursor : cursorInFrontOf((yield* findLine(store, source, link)).cursor, direction)
    return {
      source,
      direction,
      ...(start === undefined ? {} : { cursor: start }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(limit === undefined ? {} : { limit })
    }
  })
