/** Responses that are sent piece by piece. The builder of the API knows one content type per status, and no streams. */
import * as OpenApi from "@effect/platform/OpenApi"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"

/** The content types of streams: JSON values, one per line, and events whose data are JSON values. */
export const [jsonLines, eventStream] = ["application/x-ndjson", "text/event-stream"] as const

/** The last element of a stream that broke off. */
export const StreamFailed = Schema.TaggedStruct("Failed", {
  error: Schema.String.annotations({ description: "The tag of the error, such as EngineUnavailable" }),
  message: Schema.String
}).annotations({
  identifier: "StreamFailed",
  description:
    "The last element of a stream that broke off: after the status has been sent, an error can only be told here"
})

/** See the schema. */
export type StreamFailed = typeof StreamFailed.Type

/** The elements that an endpoint streams. */
export class Streamed extends Context.Tag("@dockwire/server/Streamed")<Streamed, Schema.Schema.AnyNoContext>() {}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Describes further content types of the response with status 200. */
const describe =
  (content: Readonly<Record<string, unknown>>) =>
  (operation: Record<string, unknown>): Record<string, unknown> => {
    const responses = isObject(operation["responses"]) ? operation["responses"] : {}
    const success = isObject(responses["200"]) ? responses["200"] : {}
    const known = isObject(success["content"]) ? success["content"] : {}
    return {
      ...operation,
      responses: { ...responses, 200: { ...success, content: { ...known, ...content } } }
    }
  }

/**
 * Annotations of an endpoint that streams: `endpoint.annotateContext(streamed(LogElement, jsonLines))`. The schema has an
 * identifier, and is among the `AdditionalSchemas` of the API.
 */
export const streamed = (
  element: Schema.Schema.AnyNoContext,
  ...contentTypes: ReadonlyArray<typeof jsonLines | typeof eventStream>
): Context.Context<Streamed | OpenApi.Transform> => {
  const identifier = Option.getOrElse(AST.getIdentifierAnnotation(element.ast), () => "unknown")
  const schema = { $ref: `#/components/schemas/${identifier}` }
  const content = Object.fromEntries(contentTypes.map((contentType) => [contentType, { schema }]))
  return Context.add(Context.make(Streamed, element), OpenApi.Transform, describe(content))
}
