/** Errors as the HTTP API answers them: the core's tagged errors with their `message`, and a status that fits. */
import * as Core from "@dockwire/core/DockerError"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"

const body = <Tag extends string, Fields extends Schema.Struct.Fields>(status: number, tag: Tag, fields: Fields) =>
  Schema.Struct({ _tag: Schema.Literal(tag), ...fields, message: Schema.String }).annotations({
    identifier: tag,
    ...HttpApiSchema.annotations({ status })
  })

const containerId = Schema.String
const detail = Schema.String

/** 404 */
export const ContainerNotFound = body(404, "ContainerNotFound", { containerId, detail })

/** 409 */
export const ContainerStateConflict = body(409, "ContainerStateConflict", {
  containerId,
  state: Core.ContainerStateConflict.fields.state,
  setting: Core.ContainerStateConflict.fields.setting,
  detail
})

/** 409 */
export const PortAllocated = body(409, "PortAllocated", {
  containerId,
  address: Schema.optional(Schema.String),
  detail
})

/** 400 */
export const InvalidRequest = body(400, "InvalidRequest", { field: Schema.String, value: Schema.String, detail })

/** 503: the engine can't be reached. */
export const EngineUnavailable = body(503, "EngineUnavailable", {
  endpoint: Schema.String,
  reason: Core.UnavailableReason,
  detail
})

/** 502: the engine refused in a way that has no name of its own. */
export const EngineError = body(502, "EngineError", { request: Schema.String, status: Schema.Number, detail })

/** 401 */
export const NotAllowed = body(401, "NotAllowed", {})

/** 403: a request with a cookie that no page of the server's own made. */
export const OriginNotAllowed = body(403, "OriginNotAllowed", {})

/** An error of the core's with its message beside its fields. */
export const withMessage = <E extends { readonly message: string }>(error: E): E & { readonly message: string } => ({
  ...error,
  message: error.message
})
