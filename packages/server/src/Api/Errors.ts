/** The error responses of the HTTP API: core's tagged errors with their `message`, and the HTTP status of each. */
import * as Core from "@dockwire/core/DockerError"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import * as Operation from "../OperationError.js"
import * as Stack from "../StackError.js"
import * as LogStore from "../store/LogStoreError.js"
import { Scope } from "./RequiredScope.js"

/** The body of an error response: the fields of a tagged error, and its `message`. */
const errorBody = <Fields extends Schema.Struct.Fields>(
  status: number,
  error: { readonly _tag: string; readonly fields: Fields }
) =>
  Schema.Struct({ ...error.fields, message: Schema.String }).annotations({
    identifier: error._tag,
    ...HttpApiSchema.annotations({ status })
  })

/** An error of the server's own, which has no field but its message. */
const serverError = <const Tag extends string>(_tag: Tag) => ({ _tag, fields: { _tag: Schema.tag(_tag) } })

/** Why an image could not be pulled. Its message is part of the error's. */
const causeOfMissingImage = Schema.Struct(Core.RegistryError.fields).annotations({ identifier: "RegistryErrorCause" })

/** 400: a field of the request has an invalid value, or the endpoint has no such field. */
export const InvalidRequest = errorBody(400, Core.InvalidRequest)

/** 401: the request carries no valid credential. */
export const NotAllowed = errorBody(401, serverError("NotAllowed"))

/** 403: the server does not answer for the host that the request names. */
export const HostNotAllowed = errorBody(403, serverError("HostNotAllowed"))

/** 403: the request was sent by a page of another origin, or its cookie was. */
export const OriginNotAllowed = errorBody(403, serverError("OriginNotAllowed"))

/** 403: the server was started with `--read-only`. */
export const ReadOnly = errorBody(403, serverError("ReadOnly"))

/** 403: the server was started without `--enable-exec`. */
export const ExecDisabled = errorBody(403, serverError("ExecDisabled"))

/** 403: the token does not have the scope that the endpoint needs. */
export const ScopeMissing = errorBody(403, {
  _tag: "ScopeMissing",
  fields: {
    _tag: Schema.tag("ScopeMissing"),
    scope: Scope.annotations({ description: "The scope that is needed" }),
    scopes: Schema.Array(Scope).annotations({ description: "The scopes that the token has" })
  }
})

/** 404: no container has this id or name. */
export const ContainerNotFound = errorBody(404, Core.ContainerNotFound)

/** 404: the engine has no such image. */
export const ImageNotFound = errorBody(404, {
  _tag: "ImageNotFound",
  fields: { ...Core.ImageNotFound.fields, cause: Schema.optional(causeOfMissingImage) }
})

/** 404: no volume has this name. */
export const VolumeNotFound = errorBody(404, Core.VolumeNotFound)

/** 404: no network has this id or name. */
export const NetworkNotFound = errorBody(404, Core.NetworkNotFound)

/** 409: the container's state or configuration rules this out. */
export const ContainerStateConflict = errorBody(409, Core.ContainerStateConflict)

/** 503: logs are not kept, or cannot be read now. */
export const LogStoreUnavailable = errorBody(503, LogStore.LogStoreUnavailable)

/** 404: nothing is kept of this source or container. */
export const LogSourceNotFound = errorBody(404, LogStore.LogSourceNotFound)

/** 404: the line is not kept, or no longer. */
export const LineNotFound = errorBody(404, LogStore.LineNotFound)

/** 409: a host port that the container publishes is in use. */
export const PortAllocated = errorBody(409, Core.PortAllocated)

/** 404: no operation has this id, or it is no longer kept. */
export const OperationNotFound = errorBody(404, Operation.OperationNotFound)

/** 409: an operation on the same target is still running. */
export const OperationConflict = errorBody(409, Operation.OperationConflict)

/** 422: the `Idempotency-Key` belongs to another request. */
export const IdempotencyKeyReused = errorBody(422, Operation.IdempotencyKeyReused)

/** 404: no stack has this name, and no compose project that has containers. */
export const StackNotFound = errorBody(404, Stack.StackNotFound)

/** 409: a stack or its containers stand in the way. */
export const StackConflict = errorBody(409, Stack.StackConflict)

/** 422: the stack is not one with which this can be done. */
export const StackUnsuitable = errorBody(422, Stack.StackUnsuitable)

/** 422: a compose file was not downloaded. */
export const DownloadFailed = errorBody(422, Core.DownloadFailed)

/** 422: a file is not a compose file, or not a valid one. */
export const ComposeFileInvalid = errorBody(422, Core.ComposeFileInvalid)

/** 422: a file on the server's machine cannot be read or written. */
export const ComposeFileUnusable = errorBody(422, Core.ComposeFileUnusable)

/** 409: a container uses the image, volume or network. */
export const ResourceInUse = errorBody(409, Core.ResourceInUse)

/** 409: another object has this name. */
export const NameConflict = errorBody(409, Core.NameConflict)

/** 413: the body is longer than the server accepts. */
export const BodyTooLarge = errorBody(413, {
  _tag: "BodyTooLarge",
  fields: {
    _tag: Schema.tag("BodyTooLarge"),
    limit: Schema.Number.annotations({ description: "The longest body that this endpoint accepts, in bytes" })
  }
})

/** 415: the body has a content type that the endpoint does not accept. */
export const UnsupportedContentType = errorBody(415, {
  _tag: "UnsupportedContentType",
  fields: {
    _tag: Schema.tag("UnsupportedContentType"),
    contentType: Schema.String.annotations({ description: "The content type of the request" }),
    accepted: Schema.Array(Schema.String)
  }
})

/** 422: the engine cannot read this container's log. */
export const LogsUnreadable = errorBody(422, Core.LogsUnreadable)

/** 422: the command could not be started in the container. */
export const ExecFailed = errorBody(422, Core.ExecFailed)

/** 503: the server could not keep what was uploaded, or the upload broke off. */
export const UploadFailed = errorBody(503, {
  _tag: "UploadFailed",
  fields: { _tag: Schema.tag("UploadFailed"), detail: Schema.String }
})

/** 429: too many wrong tokens came from this address. `Retry-After` says in how many seconds it may present another one. */
export const TooManyAttempts = errorBody(429, serverError("TooManyAttempts"))

/** 502: the engine responded with an error that has no more specific type. */
export const EngineError = errorBody(502, Core.EngineError)

/** 503: the engine is unreachable. */
export const EngineUnavailable = errorBody(503, Core.EngineUnavailable)

/** The body for an error: its fields, and its `message`, which is a getter. */
export const toErrorBody = <E extends { readonly message: string }>(error: E): E & { readonly message: string } => ({
  ...error,
  message: error.message
})
