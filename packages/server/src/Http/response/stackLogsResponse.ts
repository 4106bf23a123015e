/** The logs of a stack as a response. */
import type { ComposeLogElement, ComposeLogOptions } from "@dockwire/core/Compose"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { jsonLines } from "../../Api/fields/streamed.js"
import type { StackLogElement } from "../../Api/Stacks.js"
import { StackUnsuitable } from "../../StackError.js"
import type { StacksShape } from "../../stacks/Stacks.js"
import { describeMark, oneLine } from "./logMarkText.js"
import { accepts, begun, failed, streamTexts } from "./streamResponse.js"

/** What a request for the logs of a stack asks for. */
export interface StackLogsQuery extends Pick<ComposeLogOptions, "follow" | "services" | "since" | "tail"> {
  readonly stream?: "stdout" | "stderr"
  readonly timestamps?: boolean
}

type LogsError = Effect.Effect.Error<ReturnType<StacksShape["logs"]>>

const jsonLine = (element: StackLogElement): string => `${JSON.stringify(element)}\n`

const asJson = (elements: ReadonlyArray<ComposeLogElement>): string =>
  // Positions are of single containers, whose own logs go on after them.
  elements.map((element) => `${JSON.stringify({ ...element, position: undefined })}\n`).join("")

const asText =
  (timestamps: boolean) =>
  (elements: ReadonlyArray<ComposeLogElement>): string =>
    elements
      .map((element) => {
        const head = `${element.container} | ${timestamps ? `${element.timestamp} ` : ""}`
        return element._tag === "LogMark" ? `-- ${head}${oneLine(describeMark(element))}\n` : `${head}${element.text}\n`
      })
      .join("")

/** Responds with the logs of a stack, as text or as one JSON object per line. */
export const stackLogsResponse = (
  stacks: StacksShape,
  request: HttpServerRequest.HttpServerRequest,
  name: string,
  { stream, timestamps = false, ...range }: StackLogsQuery
): Effect.Effect<HttpServerResponse.HttpServerResponse, LogsError | InvalidRequest, Scope.Scope> =>
  Effect.gen(function* () {
    const options = { ...range, ...(stream === undefined ? {} : { streams: [stream] }) }
    const batches = yield* stacks.logs(name, options)
    // A follow may have nothing to tell for a long time, so its first lines are not awaited.
    const read =
      range.follow === true
        ? batches
        : yield* Effect.catchTag(begun(batches), "ComposeFailed", ({ message }) =>
            Effect.fail(new StackUnsuitable({ name, reason: "EngineRefused", files: [], detail: message }))
          )
    const isJson = accepts(request, jsonLines)
    const texts = read.pipe(
      Stream.map(isJson ? asJson : asText(timestamps)),
      Stream.catchAll((error) => Stream.succeed(isJson ? jsonLine(failed(error)) : `-- ${oneLine(error.message)}\n`))
    )
    return streamTexts(texts, isJson ? jsonLines : "text/plain; charset=utf-8")
  })
