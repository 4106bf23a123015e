import * as Schema from "effect/Schema"

const optionalText = (description: string) =>
  Schema.optionalWith(Schema.String.annotations({ description }), { exact: true })

/**
 * Whether the engine answers: the body of `GET /api/engine` and the data of `engine_status`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EngineStatus = Schema.Struct({
  available: Schema.Boolean,
  endpoint: Schema.String,
  reason: optionalText("Why the engine is unavailable, for people to read"),
  version: optionalText("The engine's version"),
  demo: optionalText(
    "Present in a demo, whose containers are not real: why this is one and how to see real containers"
  ),
  timestamp: Schema.String.annotations({ description: "When this status began" })
}).annotations({ identifier: "EngineStatus" })

/**
 * @since 0.1.0
 * @category models
 */
export type EngineStatus = typeof EngineStatus.Type
