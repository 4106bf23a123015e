/** Containers over HTTP. */
import { LogLine, LogMark, LogStream } from "@dockwire/core/LogEvent"
import { ContainerDetails, ContainerStats, ContainerSummary, ExecExit, ExecResult } from "@dockwire/core/Models"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Errors from "./Errors.js"
import { containerId } from "./fields/pathField.js"
import { filters, flag, text, time, wholeNumber, word } from "./fields/queryFields.js"
import { rawQuery, withOptionalRaw } from "./fields/rawField.js"
import { eventStream, jsonLines, streamed, StreamFailed } from "./fields/streamed.js"
import { RequiredScope } from "./RequiredScope.js"

export type { ContainerSummary } from "@dockwire/core/Models"

/** What can be done to a container with a `POST` to an address of its own. */
export type ContainerAction = "start" | "stop" | "restart" | "kill" | "pause" | "unpause"

const id = Schema.Struct({ id: containerId })

/** An element of a container's log, one per line of the response. */
export const LogElement = Schema.Union(
  LogLine,
  LogMark,
  Schema.TaggedStruct("Position", {
    position: Schema.String.annotations({
      description: "Where the log goes on with `?position=`. Lines that came after this element come again then"
    })
  }),
  StreamFailed
).annotations({
  identifier: "LogElement",
  description: "A line of a log, what happened between two lines, or a position"
})

/** See the schema. */
export type LogElement = typeof LogElement.Type

/** A command to run in a container. */
export const ExecRequest = Schema.Struct({
  command: Schema.NonEmptyArray(Schema.String).annotations({
    description: 'The program and its arguments. No shell runs it: for that, pass one, as in `["sh", "-c", "ls | wc"]`'
  }),
  user: Schema.optionalWith(Schema.String, { exact: true }).annotations({
    description: "`name`, `uid`, `name:group` or `uid:gid`"
  }),
  workingDirectory: Schema.optionalWith(Schema.String, { exact: true }).annotations({
    description: "An absolute path"
  }),
  environment: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { exact: true }),
  stdin: Schema.optionalWith(Schema.String, { exact: true }).annotations({
    description: "The whole input of the command. Without it, the command has none"
  })
}).annotations({ identifier: "ExecRequest" })

/** The output of a command, as far as it is kept. */
export const ExecAnswer = Schema.Struct({
  ...ExecResult.fields,
  truncated: Schema.Boolean.annotations({
    description: "Whether output is missing at the end: of each stream, the first 1 MiB is kept. A stream has all of it"
  })
}).annotations({ identifier: "ExecAnswer", description: "The output of a command, and how it exited" })

/** A piece of a command's output, its exit, or why there is none. */
export const ExecElement = Schema.Union(
  Schema.TaggedStruct("Output", {
    stream: LogStream,
    text: Schema.String.annotations({ description: "Decoded as UTF-8. Pieces begin and end anywhere in a line" })
  }),
  ExecExit,
  StreamFailed
).annotations({ identifier: "ExecElement", description: "A piece of a command's output, and at the end its exit" })

/** See the schema. */
export type ExecElement = typeof ExecElement.Type

/** A reading of a container's usage, or why there are no more. */
export const StatsElement = Schema.Union(ContainerStats, StreamFailed).annotations({
  identifier: "StatsElement",
  description: "The resource usage of a container, once per second"
})

const action = <const Name extends ContainerAction>(name: Name) =>
  HttpApiEndpoint.post(name, `/:id/${name}`)
    .setPath(id)
    .addError(Errors.ContainerNotFound)
    .annotate(RequiredScope, "operate")

const stopQuery = Schema.Struct({
  timeout: wholeNumber(
    "How many seconds the container has to stop before it is killed; -1 for any time. Default: its own timeout, or 10",
    -1
  ),
  signal: text("The signal to stop it with, such as SIGINT. Default: its own")
})

/** Lists, inspects, operates and removes containers, reads their logs and usage, and runs commands in them. */
export class ContainersApi extends HttpApiGroup.make("containers")
  .add(
    HttpApiEndpoint.get("list", "/")
      .setUrlParams(
        Schema.Struct({
          all: flag("Whether to include containers that are not running. Default: true"),
          filters: filters('{"status":["running"],"label":["a=b"]}'),
          limit: wholeNumber("At most this many, the newest ones, whatever `all` says", 1),
          size: flag("Measures `sizeRw` and `sizeRootFs`, which takes the engine a while")
        })
      )
      .addSuccess(Schema.Array(ContainerSummary))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("inspect", "/:id")
      .setPath(id)
      .setUrlParams(Schema.Struct(rawQuery))
      .addSuccess(withOptionalRaw(ContainerDetails, "ContainerDetails"))
      .addError(Errors.ContainerNotFound)
      .annotate(RequiredScope, "read")
  )
  .add(action("start").addError(Errors.ContainerStateConflict).addError(Errors.PortAllocated))
  .add(action("stop").setUrlParams(stopQuery))
  .add(action("restart").setUrlParams(stopQuery).addError(Errors.ContainerStateConflict).addError(Errors.PortAllocated))
  .add(
    action("kill")
      .setUrlParams(Schema.Struct({ signal: text("Such as SIGHUP. Default: SIGKILL") }))
      .addError(Errors.ContainerStateConflict)
  )
  .add(action("pause").addError(Errors.ContainerStateConflict))
  .add(action("unpause").addError(Errors.ContainerStateConflict))
  .add(
    HttpApiEndpoint.del("remove", "/:id")
      .setPath(id)
      .setUrlParams(
        Schema.Struct({
          force: flag("Also removes a container that runs"),
          volumes: flag("Also removes its anonymous volumes")
        })
      )
      .addError(Errors.ContainerNotFound)
      .addError(Errors.ContainerStateConflict)
      .annotate(RequiredScope, "operate")
  )
  .add(
    HttpApiEndpoint.get("logs", "/:id/logs")
      .setPath(id)
      .setUrlParams(
        Schema.Struct({
          follow: flag("Goes on with new lines, across stops and starts, until the container is removed"),
          tail: wholeNumber("Only the last lines"),
          since: time("Only lines from this time of the engine's clock on"),
          until: time(
            "Only lines up to this time of the engine's clock. With `follow`, also ends when the container stops"
          ),
          stream: word(LogStream.literals, "Only this output. Default: both"),
          timestamps: flag("Begins each line of a text with its time"),
          position: text(
            "With `follow`: goes on after this `Position` of an earlier response, whatever `tail` and `since` say"
          )
        })
      )
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text" })))
      .addError(Errors.ContainerNotFound)
      .addError(Errors.LogsUnreadable)
      .annotateContext(streamed(LogElement, jsonLines))
      .annotate(
        OpenApi.Description,
        "The log as text, or with `Accept: application/x-ndjson` as one JSON object per line. In a text, what is no line of the log begins with `-- `."
      )
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("stats", "/:id/stats")
      .setPath(id)
      .setUrlParams(
        Schema.Struct({
          stream: flag(
            "Goes on with a reading per second until the container is removed: one JSON object per line, or with `Accept: text/event-stream` server-sent events"
          )
        })
      )
      .addSuccess(ContainerStats)
      .addError(Errors.ContainerNotFound)
      .annotateContext(streamed(StatsElement, jsonLines, eventStream))
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("exec", "/:id/exec")
      .setPath(id)
      .setPayload(ExecRequest)
      .addSuccess(ExecAnswer)
      .addError(Errors.ContainerNotFound)
      .addError(Errors.ContainerStateConflict)
      .addError(Errors.ExecFailed)
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
      .annotateContext(streamed(ExecElement, jsonLines))
      .annotate(
        OpenApi.Description,
        "Runs a command and answers when it has exited, or with `Accept: application/x-ndjson` with its output as it comes. A command goes on when the caller leaves: the engine has no way to stop it."
      )
      .annotate(RequiredScope, "exec")
  )
  .addError(Errors.EngineUnavailable)
  .addError(Errors.EngineError)
  .prefix("/api/containers") {}
