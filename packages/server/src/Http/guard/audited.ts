/** The record of what somebody has changed, or tried to. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Scope } from "../../Api/RequiredScope.js"

/** A request that changes something. */
export interface AuditedRequest {
  /** The name of the token. */
  readonly who: string
  readonly address: string
  readonly scope: Scope
  readonly method: string
  /** Without the query, which may hold what is nobody's business. */
  readonly path: string
}

/** Logs one line when the response is there: `status` is that of the response, or `failed` if there is none. */
export const audited = <E, R>(
  request: AuditedRequest,
  respond: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
  Effect.flatMap(Effect.timed(Effect.exit(respond)), ([duration, exit]) => {
    const status = Exit.isSuccess(exit) ? exit.value.status : Exit.isInterrupted(exit) ? "interrupted" : "failed"
    const milliseconds = Math.round(Duration.toMillis(duration))
    return Effect.zipRight(Effect.annotateLogs(Effect.logInfo("audit"), { ...request, status, milliseconds }), exit)
  })
