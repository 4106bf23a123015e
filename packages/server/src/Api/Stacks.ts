/** Stacks over HTTP. */
import { LogLine, LogMark, LogStream } from "@dockwire/core/LogEvent"
import { ComposeFileComparison } from "@dockwire/core/Models"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AddedStack, RemovedStack, StackDetails, StackList } from "../StackSummary.js"
import * as Errors from "./Errors.js"
import { optionalText } from "./fields/bodyFields.js"
import { operationEndpoint } from "./fields/operationEndpoint.js"
import { pathField } from "./fields/pathField.js"
import { flag, texts, time, wholeNumber, word } from "./fields/queryFields.js"
import { jsonLines, streamed, StreamFailed } from "./fields/streamed.js"
import { RequiredScope } from "./RequiredScope.js"

const name = Schema.Struct({
  name: pathField(
    255,
    /^[a-z0-9][a-z0-9_-]*$/,
    "The name of a stack, or of a compose project that has containers",
    "Pass the name of a stack: lowercase letters, digits, - and _, of which the first is a letter or a digit."
  )
})

/** What to add. */
export const StackRequest = Schema.Struct({
  name: Schema.String.annotations({
    description:
      "The name of the stack, and of its compose project, whatever the file says: up to 100 lowercase letters, digits, `-` and `_`"
  }),
  url: optionalText(
    "Where the compose file is downloaded from: http or https, of a public address unless the server allows others"
  ),
  path: optionalText("The compose file, or its folder, in a folder of the server's machine that it was started with")
}).annotations({ identifier: "StackRequest" })

const services = texts("Only this service; repeat it for several")

const stopTimeout = wholeNumber(
  "How many seconds a container may take to stop before it is killed. Default: its own, or 10"
)

const ofContainer = {
  service: Schema.String,
  container: Schema.String.annotations({ description: "The container's name" })
}

/** An element of the logs of a stack, one per line of the response. */
export const StackLogElement = Schema.Union(
  Schema.Struct({ ...LogLine.fields, ...ofContainer }),
  Schema.extend(LogMark, Schema.Struct(ofContainer)),
  StreamFailed
).annotations({
  identifier: "StackLogElement",
  description: "A line of a container's log, or what happened between two lines, with the container"
})

/** See the schema. */
export type StackLogElement = typeof StackLogElement.Type

/** An operation on a stack. */
const stackOperation = <const Name extends string>(operation: Name) =>
  operationEndpoint(operation, `/:name/${operation}`)
    .setPath(name)
    .addError(Errors.StackNotFound)
    .addError(Errors.StackUnsuitable)
    .addError(Errors.EngineUnavailable)

/** Adds, lists, checks, updates, runs and removes stacks. */
export class StacksApi extends HttpApiGroup.make("stacks")
  .add(
    HttpApiEndpoint.get("list", "/")
      .addSuccess(StackList)
      .annotate(
        OpenApi.Description,
        "The stacks that were added, and the other compose projects that have containers on the engine, by name."
      )
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("add", "/")
      .setPayload(StackRequest)
      .addSuccess(AddedStack.annotations(HttpApiSchema.annotations({ status: 201 })))
      .addError(Errors.StackConflict)
      .addError(Errors.DownloadFailed)
      .addError(Errors.ComposeFileInvalid)
      .addError(Errors.ComposeFileUnusable)
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
      .annotate(
        OpenApi.Description,
        "Adds a compose file under a name, from a `url` or a `path`. Its containers are not started: `up` does that."
      )
      .annotate(RequiredScope, "operate")
  )
  .add(
    HttpApiEndpoint.get("get", "/:name")
      .setPath(name)
      .addSuccess(StackDetails)
      .addError(Errors.StackNotFound)
      .addError(Errors.StackUnsuitable)
      .addError(Errors.EngineUnavailable)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("check", "/:name/check")
      .setPath(name)
      .addSuccess(ComposeFileComparison)
      .addError(Errors.StackNotFound)
      .addError(Errors.StackUnsuitable)
      .addError(Errors.DownloadFailed)
      .addError(Errors.ComposeFileInvalid)
      .addError(Errors.ComposeFileUnusable)
      .annotate(OpenApi.Description, "Compares the file with what its URL leads to now. `update` replaces it.")
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("logs", "/:name/logs")
      .setPath(name)
      .setUrlParams(
        Schema.Struct({
          services,
          follow: flag("Goes on with new lines, also of containers that are made later, without end"),
          tail: wholeNumber("Only the last lines of each container"),
          since: time("Only lines from this time of the engine's clock on"),
          stream: word(LogStream.literals, "Only this output. Default: both"),
          timestamps: flag("Begins each line of a text with its time")
        })
      )
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text" })))
      .addError(Errors.StackNotFound)
      .addError(Errors.StackUnsuitable)
      .addError(Errors.EngineUnavailable)
      .annotateContext(streamed(StackLogElement, jsonLines))
      .annotate(
        OpenApi.Description,
        "The logs of all containers in the order of time, as text that begins with the container's name, or with `Accept: application/x-ndjson` as one JSON object per line. In a text, `-- ` stands before what is no line of the log. A line of more than 1 MiB comes in parts."
      )
      .annotate(RequiredScope, "read")
  )
  .add(
    stackOperation("update").annotate(
      OpenApi.Description,
      "Replaces the file by what its URL leads to now, with the difference as lines. The containers are not touched: `up` applies the change."
    )
  )
  .add(
    stackOperation("up")
      .setUrlParams(
        Schema.Struct({
          services,
          wait: flag("Whether to wait until each service is healthy, or has run for a while, or has ended with 0"),
          build: flag("Builds images even if they are there"),
          pull: word(
            ["always", "missing", "never"],
            "When images are pulled. Default: what the file says, else missing"
          ),
          recreate: word(
            ["changed", "always", "never"],
            "Which containers are recreated. Default: those whose service or image has changed"
          ),
          removeOrphans: flag("Removes containers of services that are no longer in the file"),
          stopTimeout
        })
      )
      .annotate(OpenApi.Description, "Creates and starts the containers.")
  )
  .add(
    stackOperation("down")
      .setUrlParams(
        Schema.Struct({
          volumes: flag("Removes the volumes as well"),
          images: word(["all", "local"], "Removes the images as well: all, or those without a name of their own"),
          stopTimeout
        })
      )
      .annotate(OpenApi.Description, "Stops and removes the containers and networks.")
  )
  .add(stackOperation("stop").setUrlParams(Schema.Struct({ services, stopTimeout })))
  .add(
    stackOperation("start")
      .setUrlParams(Schema.Struct({ services }))
      .annotate(OpenApi.Description, "Starts containers that exist. `up` creates them.")
  )
  .add(stackOperation("restart").setUrlParams(Schema.Struct({ services, stopTimeout })))
  .add(
    stackOperation("pull")
      .setUrlParams(
        Schema.Struct({
          services,
          ignoreFailures: flag("Pulls what it can, and does not fail"),
          dependencies: flag("Also pulls the images of services that these depend on")
        })
      )
      .annotate(OpenApi.Description, "Pulls the images.")
  )
  .add(
    HttpApiEndpoint.del("remove", "/:name")
      .setPath(name)
      .setUrlParams(
        Schema.Struct({ force: flag("Even if it has containers, which then go on as a project that was not added") })
      )
      .addSuccess(RemovedStack)
      .addError(Errors.StackNotFound)
      .addError(Errors.StackUnsuitable)
      .addError(Errors.StackConflict)
      .addError(Errors.OperationConflict)
      .addError(Errors.ComposeFileUnusable)
      .annotate(OpenApi.Description, "Forgets the stack, and removes its file if it was downloaded.")
      .annotate(RequiredScope, "operate")
  )
  .prefix("/api/stacks") {}
