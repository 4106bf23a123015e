/**
 * What can go wrong, by what a caller can do about it. Each error carries the id or name that it is about and the
 * engine's own words; `message` is a sentence that says what happened and what to do.
 */
import * as Schema from "effect/Schema"

/** No container has this id or name. */
export class ContainerNotFound extends Schema.TaggedError<ContainerNotFound>("@dockwire/core/ContainerNotFound")(
  "ContainerNotFound",
  { containerId: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `No container is named or has the id "${this.containerId}"; list the containers to see which there are. The engine said: ${this.detail}`
  }
}

/** No image on the engine has this name or id. */
export class ImageNotFound extends Schema.TaggedError<ImageNotFound>("@dockwire/core/ImageNotFound")("ImageNotFound", {
  image: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The engine has no image "${this.image}"; pull or build it first. The engine said: ${this.detail}`
  }
}

/** The name is taken by something else. */
export class NameConflict extends Schema.TaggedError<NameConflict>("@dockwire/core/NameConflict")("NameConflict", {
  name: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The name "${this.name}" is in use; remove or rename its holder, or take another name. The engine said: ${this.detail}`
  }
}

/** The container is in a state in which this can't be done. */
export class ContainerStateConflict extends Schema.TaggedError<ContainerStateConflict>(
  "@dockwire/core/ContainerStateConflict"
)("ContainerStateConflict", {
  containerId: Schema.String,
  /** The state that stands in the way, where the engine named it. */
  state: Schema.Literal("running", "stopped", "paused", "unpaused", "removing", "unknown"),
  detail: Schema.String
}) {
  override get message(): string {
    const state = this.state === "unknown" ? "in the wrong state for this" : this.state
    return `The container "${this.containerId}" is ${state}. The engine said: ${this.detail}`
  }
}

/** A host port that the container wants to publish is taken, by another container or by a process of the host. */
export class PortAllocated extends Schema.TaggedError<PortAllocated>("@dockwire/core/PortAllocated")("PortAllocated", {
  containerId: Schema.String,
  /** `address:port` as the engine gave it, where it did. */
  address: Schema.optional(Schema.String),
  detail: Schema.String
}) {
  override get message(): string {
    return `The container "${this.containerId}" can't publish ${this.address ?? "its port"}: it is in use; stop what holds it or publish another port. The engine said: ${this.detail}`
  }
}

/** The request itself is wrong: `field` names what, `value` what it was. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@dockwire/core/InvalidRequest")(
  "InvalidRequest",
  { field: Schema.String, value: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `${this.field} is not valid (${JSON.stringify(this.value)}): ${this.detail}`
  }
}

/** The container's logging driver can't be read. */
export class LogsUnreadable extends Schema.TaggedError<LogsUnreadable>("@dockwire/core/LogsUnreadable")(
  "LogsUnreadable",
  { containerId: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `The log of the container "${this.containerId}" can't be read: give it the logging driver json-file or local. The engine said: ${this.detail}`
  }
}

/** Why an engine could not be used. */
export const UnavailableReason = Schema.Literal("NotFound", "Refused", "PermissionDenied", "TimedOut", "Lost")

/** Why an engine could not be used. */
export type UnavailableReason = typeof UnavailableReason.Type

const unavailable: Record<UnavailableReason, string> = {
  NotFound: "nothing is there; is Docker installed and running, and is DOCKER_HOST right?",
  Refused: "the connection was refused; start the Docker engine",
  PermissionDenied: "permission denied; run as a user who may use the socket (on Linux: a member of the group docker)",
  TimedOut: "no answer within the time allowed; is the engine overloaded or unreachable?",
  Lost: "the connection was lost; the engine was stopped or restarted"
}

/** The engine could not be reached (`NotFound`, `Refused`, `PermissionDenied`, `TimedOut`) or was lost in mid-answer (`Lost`). */
export class EngineUnavailable extends Schema.TaggedError<EngineUnavailable>("@dockwire/core/EngineUnavailable")(
  "EngineUnavailable",
  { endpoint: Schema.String, reason: UnavailableReason, detail: Schema.String }
) {
  override get message(): string {
    return `The Docker engine at ${this.endpoint} is unavailable (${this.detail}): ${unavailable[this.reason]}`
  }
}

/** Any other refusal by the engine: the HTTP status and the engine's words. */
export class EngineError extends Schema.TaggedError<EngineError>("@dockwire/core/EngineError")("EngineError", {
  /** HTTP method and path of the request. */
  request: Schema.String,
  status: Schema.Number,
  detail: Schema.String
}) {
  override get message(): string {
    return `The Docker engine answered ${this.status} to ${this.request}: ${this.detail}`
  }
}

/** What every request can meet, whatever it asks for. */
export type DockerFailure = EngineUnavailable | EngineError

/** Every error of this package. No method raises them all: its own type names those that it can raise. */
export type DockerError =
  | ContainerNotFound
  | ImageNotFound
  | NameConflict
  | ContainerStateConflict
  | PortAllocated
  | InvalidRequest
  | LogsUnreadable
  | DockerFailure
