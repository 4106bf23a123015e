import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** A response with a JSON body. */
export interface JsonResponse {
  readonly _tag: "Json"
  readonly status: number
  /** `undefined` for an empty body. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A response whose body is streamed. After an upgrade the client may write to it too. */
export interface StreamResponse {
  readonly _tag: "Stream"
  readonly status: number
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Stream.Stream<Uint8Array>
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
  /** Called when the client closes its side. */
  readonly end: Effect.Effect<void>
}

/** A successful response of the engine. */
export type EngineResponse = JsonResponse | StreamResponse

/** Creates a JSON response. */
export const jsonResponse = (status: number, body?: unknown): JsonResponse => ({ _tag: "Json", status, body })

/** Creates a streamed response that accepts no input. */
export const streamResponse = (contentType: string, body: Stream.Stream<Uint8Array>): StreamResponse => ({
  _tag: "Stream",
  status: 200,
  contentType,
  body,
  write: () => Effect.void,
  end: Effect.void
})
