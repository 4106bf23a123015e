/** The engine over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"

const optionalText = (description: string) =>
  Schema.optionalWith(Schema.String.annotations({ description }), { exact: true })

/** Whether the engine answers, as `engine_status` says it. */
export const EngineStatus = Schema.Struct({
  available: Schema.Boolean,
  endpoint: Schema.String,
  reason: optionalText("A sentence for a person, when it is not available"),
  version: optionalText("The engine's own"),
  demo: optionalText(
    "There when this is a demo, whose containers are not real: why, and the way to real ones, in sentences for a person"
  ),
  timestamp: Schema.String.annotations({ description: "Since when this holds" })
}).annotations({ identifier: "EngineStatus" })

/** Whether the engine answers, and whether it is a real one. */
export class EngineApi extends HttpApiGroup.make("engine")
  .add(HttpApiEndpoint.get("status", "/").addSuccess(EngineStatus))
  .prefix("/api/engine") {}
