/** Kept logs over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { Histogram, LogSource } from "../../store/StoredLog.js"
import * as Errors from "../Errors.js"
import { flag, text, texts, wholeNumber, word } from "../fields/queryFields.js"
import { jsonLines, streamed } from "../fields/streamed.js"
import { RequiredScope } from "../RequiredScope.js"
import { KeptLogElement } from "./KeptLogElement.js"

const from = text("Only from this time on. RFC 3339: 2026-01-31T12:00:00.123456789Z")
const to = text("Only before this time. RFC 3339")

const readQuery = Schema.Struct({
  source: texts(
    "Of a range: the id of the source, as `GET /api/logs/sources` lists it. Of a search: a pattern with `*` and `?`, which matches a source's id, the id without its engine, or its name; repeat it for several"
  ),
  container: text(
    "In place of `source`: the source of this container, by its full id or its name. It may have been removed"
  ),
  q: text(
    "What to search for: a text, `/expression/`, `-excluded`, `status>=500`, `level:error`, `stream:stderr`, in any number. Empty finds every line"
  ),
  direction: word(["forward", "backward"], "Of a range. `backward` gives the newest first. Default: forward"),
  cursor: text("Goes on behind the element with this `cursor`, or with the search whose `progress` had it"),
  around: text("Of a range, in place of `cursor`: begins at the line with this `link`"),
  from,
  to,
  limit: wholeNumber("At most so many lines and marks. Default: all", 1),
  context: wholeNumber("Of a search: so many elements of the container before each line, and after it. Default: 0"),
  timestamps: flag("Begins each line of a text with its time"),
  format: word(["text", "ndjson"], "Of a range: what to answer with, whatever `Accept` says"),
  download: flag("Of a range: names the response as a file to save")
})

/** Reads and searches the logs that are kept, also those of removed containers. */
export class LogsApi extends HttpApiGroup.make("logs")
  .add(
    HttpApiEndpoint.get("sources", "/sources")
      .addSuccess(Schema.Array(LogSource))
      .annotate(OpenApi.Description, "The services and containers whose logs are kept.")
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("read", "/")
      .setUrlParams(readQuery)
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text" })))
      .addError(Errors.LogSourceNotFound)
      .addError(Errors.LineNotFound)
      .addError(Errors.ContainerNotFound)
      .addError(Errors.LogsUnreadable)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotateContext(streamed(KeptLogElement, jsonLines))
      .annotate(
        OpenApi.Description,
        "Without `q`, a range of one source, its containers merged by time: as text, or with `Accept: application/x-ndjson` as one JSON object per line. In a text, what is no line of the log begins with `-- `. With `q`, a search, the newest line first, always as JSON objects: at least one every 250 ms, and the search ends when the caller leaves. Two searches run at once; others wait, and are told. If nothing is kept of `container`, the engine's log of it is searched, which is read to its end first: of that, the newest 10,000 lines are found at most."
      )
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("histogram", "/histogram")
      .setUrlParams(
        Schema.Struct({
          source: texts("A pattern of sources, as in a search; repeat it for several. Default: all"),
          from,
          to,
          buckets: wholeNumber("In how many parts the time is divided, 1,000 at most. Default: 60", 1)
        })
      )
      .addSuccess(Histogram)
      .annotate(OpenApi.Description, "How many lines are kept, over time and by level.")
      .annotate(RequiredScope, "read")
  )
  .addError(Errors.LogStoreUnavailable)
  .prefix("/api/logs") {}
