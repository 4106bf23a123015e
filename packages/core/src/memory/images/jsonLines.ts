import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import { streamResponse, type StreamResponse } from "../calls/response.js"
import type { ErrorResponse } from "../state/errorResponse.js"

/** Sends a line of a response whose body is a JSON object per line. */
export type Emit = (line: Readonly<Record<string, unknown>>) => void

/** A failure after the response has begun: it is sent as a line. */
export class LineFailure extends Data.TaggedError("LineFailure")<{
  readonly message: string
  /** The exit code of a build step. */
  readonly code?: number
}> {}

const encoder = new TextEncoder()

/** Go escapes these characters in JSON. */
const encodeLine = (line: Readonly<Record<string, unknown>>): Uint8Array =>
  encoder.encode(
    `${JSON.stringify(line).replaceAll(/[<>&]/g, (text) => `\\u00${text.charCodeAt(0).toString(16)}`)}\r\n`
  )

/** Sends lines as they come, and the failure as the last one. Stops when the client leaves. */
export const streamLines = (
  work: (emit: Emit) => Effect.Effect<void, ErrorResponse | LineFailure, Scope.Scope>
): Effect.Effect<StreamResponse, never, Scope.Scope> =>
  Effect.gen(function* () {
    const output = yield* Mailbox.make<Uint8Array>()
    const emit: Emit = (line) => void output.unsafeOffer(encodeLine(line))
    yield* work(emit).pipe(
      Effect.catchAll(({ message, ...failure }) =>
        Effect.sync(() => {
          const code = failure._tag === "LineFailure" && failure.code !== undefined ? { code: failure.code } : {}
          emit({ errorDetail: { ...code, message }, error: message })
        })
      ),
      Effect.ensuring(output.end),
      Effect.forkScoped
    )
    return streamResponse("application/json", Mailbox.toStream(output))
  })

const units = ["B", "kB", "MB", "GB", "TB"]

/** A size as the engine writes it: four digits, such as `32.77kB`. */
export const sizeText = (bytes: number): string => {
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${Number(value.toPrecision(4))}${units[unit]}`
}

/** The bar of a transfer as the engine draws it. */
const progressBar = (current: number, total: number): string => {
  const size = sizeText(current).padStart(8)
  if (total <= 0) return size
  const filled = Math.min(50, Math.floor(Math.floor((current / total) * 100) / 2))
  const bar = `[${"=".repeat(filled)}>${" ".repeat(Math.max(0, 50 - filled))}]`
  return `${bar} ${size}${current > total ? "" : `/${sizeText(total).padStart(8)}`}`
}

/** A line about a layer. Without sizes it only has a status. */
export const layerLine = (
  status: string,
  id: string,
  sizes?: { readonly current: number; readonly total: number }
): Readonly<Record<string, unknown>> => {
  if (sizes === undefined) return { status, progressDetail: {}, id }
  const { current, total } = sizes
  const progressDetail = total > 0 ? { current, total } : { current }
  return { status, progressDetail, progress: progressBar(current, total), id }
}
