/** The handlers of `LogsApi`. */
import { Containers } from "@dockwire/core/Containers"
import { InvalidRequest } from "@dockwire/core/DockerError"
import { Logs } from "@dockwire/core/Logs"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../../Api/Api.js"
import { toErrorBody } from "../../Api/Errors.js"
import { LogStore } from "../../store/LogStore.js"
import { EngineSearches } from "./engineSearch.js"
import { rangeResponse } from "./rangeResponse.js"
import { searchResponse } from "./searchResponse.js"

/** What only a range has, and what only a search has. */
const ofRange = ["direction", "around", "timestamps", "format", "download"] as const
const ofSearch = ["context"] as const

/** Fails with the first parameter that the request may not have. */
const refuseAll = <Name extends string>(
  query: { readonly [Key in Name]?: string | number | boolean },
  names: ReadonlyArray<Name>,
  detail: string
): Effect.Effect<void, InvalidRequest> => {
  const field = names.find((name) => query[name] !== undefined)
  return field === undefined
    ? Effect.void
    : Effect.fail(new InvalidRequest({ field, value: String(query[field]), detail }))
}

const maxBuckets = 1_000

const checkBuckets = (buckets = 1): Effect.Effect<void, InvalidRequest> =>
  buckets <= maxBuckets
    ? Effect.void
    : Effect.fail(
        new InvalidRequest({ field: "buckets", value: String(buckets), detail: `must be ${maxBuckets} at most` })
      )

export const layer = HttpApiBuilder.group(Api, "logs", (handlers) =>
  Effect.gen(function* () {
    const store = yield* LogStore
    const engine = new EngineSearches(yield* Containers, yield* Logs)
    return handlers
      .handle("sources", () => Effect.mapError(store.sources, toErrorBody))
      .handleRaw("read", ({ request, urlParams: { q, ...query } }) =>
        q === undefined
          ? refuseAll(query, ofSearch, "Only a search has it. Say what to search for, as q.").pipe(
              Effect.zipRight(rangeResponse(store, request, query)),
              Effect.mapError(toErrorBody)
            )
          : refuseAll(query, ofRange, "A search gives the newest first, as JSON. Leave it out, or leave out q.").pipe(
              Effect.zipRight(searchResponse(store, engine, { q, ...query })),
              Effect.mapError(toErrorBody)
            )
      )
      .handle("histogram", ({ urlParams: { source, ...request } }) =>
        Effect.zipRight(
          checkBuckets(request.buckets),
          store.histogram({ ...request, ...(source === undefined ? {} : { sources: source }) })
        ).pipe(Effect.mapError(toErrorBody))
      )
  })
)
