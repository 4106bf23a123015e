/** Requests that come while the history is still being opened. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { OperationStoreShape } from "../../operations/OperationStore.js"

/** What they respond does not depend on the history. */
const early: ReadonlySet<string> = new Set(["/healthz", "/readyz"])

/** Holds requests until the history is open, or cannot be: what they ask for may be in it. Health checks are answered at once. */
export const afterOpening =
  (store: OperationStoreShape) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.suspend(() =>
      store.isOpening()
        ? Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
            early.has(url.replace(/\?.*/s, "")) ? app : Effect.zipRight(store.opened, app)
          )
        : app
    )
