/** The log of a container as a response. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogLine } from "@dockwire/core/LogEvent"
import type { FollowElement, LogsError, LogsShape, ReadOptions } from "@dockwire/core/Logs"
import { LogPosition } from "@dockwire/core/LogPosition"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogElement } from "../../Api/Containers.js"
import { jsonLines } from "../../Api/fields/streamed.js"
import { makeLogText } from "../response/logText.js"
import { accepts, begun, failed, streamTexts } from "../response/streamResponse.js"

/** What a request for a log asks for. */
export interface LogsQuery extends Pick<ReadOptions, "follow" | "tail" | "since" | "until"> {
  readonly stream?: "stdout" | "stderr"
  readonly timestamps?: boolean
  readonly position?: string
}

type Batch = ReadonlyArray<LogLine | FollowElement>

/** How often a follow tells its position, in milliseconds. It may be long, so not each line has one. */
const positionInterval = 1000

/** Formats a batch. The position is what comes after it, if it is time to tell it. */
interface Format {
  readonly batch: (elements: Batch, position: LogPosition | undefined) => string
  readonly failure: (error: LogsError) => string
  readonly contentType: string
}

const textFormat = (timestamps: boolean): Format => {
  const text = makeLogText(timestamps)
  return {
    batch: (elements) => {
      let joined = ""
      for (const element of elements) joined += element._tag === "LogMark" ? text.mark(element) : text.line(element)
      return joined
    },
    failure: ({ message }) => text.note(message),
    contentType: "text/plain; charset=utf-8"
  }
}

/** Encodes one element. */
const jsonLine = (element: LogElement): string => `${JSON.stringify(element)}\n`

const jsonFormat: Format = {
  batch: (elements, position) => {
    let text = ""
    for (const element of elements) {
      if (element._tag === "LogMark") {
        text += `${JSON.stringify({ ...element, position: undefined })}\n`
        continue
      }
      const { containerId, part, stream, text: line, timestamp } = element
      const shared = { _tag: element._tag, containerId, stream, timestamp, text: line }
      text += jsonLine(part === undefined ? shared : { ...shared, part })
    }
    return position === undefined ? text : text + jsonLine({ _tag: "Position", position: position.toString() })
  },
  failure: (error) => jsonLine(failed(error)),
  contentType: jsonLines
}

const positionAfter = (elements: Batch): LogPosition | undefined => {
  const last = elements.at(-1)
  return last !== undefined && "position" in last ? last.position : undefined
}

/** Formats the batches of a log. */
const formatted = (batches: Stream.Stream<Batch, LogsError>, format: Format): Stream.Stream<string> => {
  let toldAt = 0
  return batches.pipe(
    Stream.mapEffect((elements) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const isDue = now - toldAt >= positionInterval || elements.some(({ _tag }) => _tag === "LogMark")
        if (isDue) toldAt = now
        return format.batch(elements, isDue ? positionAfter(elements) : undefined)
      })
    ),
    Stream.catchAll((error) => Stream.succeed(format.failure(error)))
  )
}

/** Reads or follows a log. Without `follow`, and with `until`, it ends by itself. */
const open = (
  logs: LogsShape,
  id: string,
  { follow = false, position, stream, ...range }: LogsQuery
): Effect.Effect<Stream.Stream<Batch, LogsError>, LogsError, Scope.Scope> =>
  Effect.gen(function* () {
    const options = { ...range, ...(stream === undefined ? {} : { streams: [stream] }) }
    if (position !== undefined && (!follow || range.until !== undefined)) {
      const detail = "needs follow=true, and no until"
      return yield* new InvalidRequest({ field: "position", value: position, detail })
    }
    if (!follow) return yield* begun(logs.readBatches(id, options))
    const from = position === undefined ? {} : { position: yield* LogPosition.parse(position) }
    // A follow may have nothing to tell for a long time. Reading no line shows at once what would keep it from beginning.
    yield* Stream.runDrain(logs.readBatches(id, { ...options, tail: 0 }))
    return range.until === undefined
      ? logs.followBatches(id, { ...options, ...from })
      : logs.readBatches(id, { ...options, follow })
  })

/** Responds with the log of a container, as text or as one JSON object per line. */
export const logsResponse = (
  logs: LogsShape,
  request: HttpServerRequest.HttpServerRequest,
  id: string,
  query: LogsQuery
): Effect.Effect<HttpServerResponse.HttpServerResponse, LogsError, Scope.Scope> =>
  Effect.map(open(logs, id, query), (batches) => {
    const format = accepts(request, jsonLines) ? jsonFormat : textFormat(query.timestamps ?? false)
    return streamTexts(formatted(batches, format), format.contentType)
  })
