/** The engine as a whole over HTTP. */
import { DiskUsage, EngineEvent, EngineInfo, EngineVersion } from "@dockwire/core/Models"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Errors from "./Errors.js"
import { filters, flag, time } from "./fields/queryFields.js"
import { rawQuery, withOptionalRaw } from "./fields/rawField.js"
import { eventStream, streamed } from "./fields/streamed.js"
import { RequiredScope } from "./RequiredScope.js"

/** What the engine tells of itself. */
export const SystemReport = Schema.Struct({
  version: withOptionalRaw(EngineVersion, "EngineVersion"),
  info: withOptionalRaw(EngineInfo, "EngineInfo"),
  disk: Schema.optionalWith(withOptionalRaw(DiskUsage, "DiskUsage"), { exact: true })
}).annotations({ identifier: "SystemReport", description: "The engine's version, configuration and disk usage" })

/** An event of the engine, or what is known of those that are missing. */
export const EventElement = Schema.Union(
  EngineEvent,
  Schema.TaggedStruct("Gap", {
    reason: Schema.String
  }).annotations({ description: "As event `gap`: events are missing that the engine no longer has" }),
  Schema.TaggedStruct("Disconnected", {
    message: Schema.String
  }).annotations({ description: "As event `disconnected`: the engine does not answer. The events go on when it does" })
).annotations({ identifier: "EventElement", description: "An event of the engine" })

/** See the schema. */
export type EventElement = typeof EventElement.Type

/** The engine's version, configuration, disk usage and events. */
export class SystemApi extends HttpApiGroup.make("system")
  .add(
    HttpApiEndpoint.get("report", "/system")
      .setUrlParams(
        Schema.Struct({
          ...rawQuery,
          disk: flag("Whether to measure disk usage, which takes an engine with many images minutes. Default: true")
        })
      )
      .addSuccess(SystemReport)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("events", "/events")
      .setUrlParams(
        Schema.Struct({
          filters: filters('{"type":["container"],"event":["start","die"]}'),
          since: time("Also past events from this time on, as far as the engine has them: at most 256")
        })
      )
      .setHeaders(
        Schema.Struct({
          "last-event-id": Schema.optionalWith(
            Schema.String.pipe(
              Schema.pattern(/^\d{1,19}-\d{1,9}$/, {
                message: () => ({ message: "must be the id of an event that this server sent", override: true })
              })
            ),
            { exact: true }
          ).annotations({ description: "The id of the last event that was received: the events go on after it" })
        })
      )
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: eventStream })))
      .annotateContext(streamed(EventElement, eventStream))
      .annotate(
        OpenApi.Description,
        "The engine's events as server-sent events, from now on and without end, across restarts of the engine. Each has an id; the `EventSource` of a browser passes the last one by itself when it reconnects."
      )
      .annotate(RequiredScope, "read")
  )
  .addError(Errors.EngineUnavailable)
  .addError(Errors.EngineError)
  .prefix("/api") {}
