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

/** No volume has this name. */
export class VolumeNotFound extends Schema.TaggedError<VolumeNotFound>("@dockwire/core/VolumeNotFound")(
  "VolumeNotFound",
  { volume: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `No volume is named "${this.volume}"; list the volumes to see which there are. The engine said: ${this.detail}`
  }
}

/** No network has this name or id. */
export class NetworkNotFound extends Schema.TaggedError<NetworkNotFound>("@dockwire/core/NetworkNotFound")(
  "NetworkNotFound",
  { network: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `No network is named or has the id "${this.network}"; list the networks to see which there are. The engine said: ${this.detail}`
  }
}

/** The container has no such file or folder. */
export class FileNotFound extends Schema.TaggedError<FileNotFound>("@dockwire/core/FileNotFound")("FileNotFound", {
  containerId: Schema.String,
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `There is no "${this.path}" in the container "${this.containerId}". The engine said: ${this.detail}`
  }
}

/** A container still uses it. */
export class ResourceInUse extends Schema.TaggedError<ResourceInUse>("@dockwire/core/ResourceInUse")("ResourceInUse", {
  /** What is used: the name or id as it was given. */
  resource: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `"${this.resource}" is in use; remove or disconnect the containers that use it first. The engine said: ${this.detail}`
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

/** The engine prunes things of a kind for one at a time, and another prune of them is under way. */
export class PruneInProgress extends Schema.TaggedError<PruneInProgress>("@dockwire/core/PruneInProgress")(
  "PruneInProgress",
  { kind: Schema.Literal("containers", "networks", "volumes", "images", "build cache"), detail: Schema.String }
) {
  override get message(): string {
    return `Somebody else prunes ${this.kind} of this engine just now; try again when that is done. The engine said: ${this.detail}`
  }
}

/** What of a container keeps it from being started. */
export const ContainerSetting = Schema.Literal("command", "workingDirectory", "user", "network", "mounts", "devices")

/** What of a container keeps it from being started. */
export type ContainerSetting = typeof ContainerSetting.Type

/** The container is in a state in which this can't be done. */
export class ContainerStateConflict extends Schema.TaggedError<ContainerStateConflict>(
  "@dockwire/core/ContainerStateConflict"
)("ContainerStateConflict", {
  containerId: Schema.String,
  /**
   * The state that stands in the way, where the engine named it. One that is `misconfigured` is made from what is not there
   * or can't be used, and so never starts: `setting` says what.
   */
  state: Schema.Literal("running", "stopped", "paused", "unpaused", "removing", "misconfigured", "unknown"),
  setting: Schema.optional(ContainerSetting),
  detail: Schema.String
}) {
  override get message(): string {
    if (this.state === "misconfigured") {
      return `The container "${this.containerId}" can't be started as it is made: its ${this.setting ?? "configuration"} is not there or can't be used; provide it, or make the container anew. The engine said: ${this.detail}`
    }
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

/** The command could not be started in the container: it is not there, may not be run, or its directory or user is not there. */
export class ExecFailed extends Schema.TaggedError<ExecFailed>("@dockwire/core/ExecFailed")("ExecFailed", {
  containerId: Schema.String,
  command: Schema.Array(Schema.String),
  detail: Schema.String
}) {
  override get message(): string {
    return `The command ${JSON.stringify(this.command)} could not be started in the container "${this.containerId}". The engine said: ${this.detail}`
  }
}

/** Why a wait for a container was in vain. */
export const WaitFailure = Schema.Literal("TimedOut", "Exited", "Unhealthy", "Removed", "Impossible")

/** Why a wait for a container was in vain. */
export type WaitFailure = typeof WaitFailure.Type

/** One run of a container's health check. */
export const HealthCheckRun = Schema.Struct({
  /** RFC 3339. */
  start: Schema.String,
  end: Schema.String,
  exitCode: Schema.Number,
  output: Schema.String
})

/** One run of a container's health check. */
export type HealthCheckRun = typeof HealthCheckRun.Type

/** What a container was waited for did not come in time, or can't come any more. */
export class WaitFailed extends Schema.TaggedError<WaitFailed>("@dockwire/core/WaitFailed")("WaitFailed", {
  containerId: Schema.String,
  /** What was waited for, in words. */
  condition: Schema.String,
  reason: WaitFailure,
  detail: Schema.String,
  /** The last runs of its health check, the newest last. */
  healthLog: Schema.Array(HealthCheckRun),
  /** The last lines of its log. */
  lastLines: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const health = this.healthLog.at(-1)
    return [
      `The container "${this.containerId}" did not come to be ${this.condition}: ${this.detail}.`,
      ...(health === undefined ? [] : [`Its health check ended with ${health.exitCode}: ${health.output.trim()}`]),
      ...(this.lastLines.length === 0 ? [] : [`The end of its log:\n${this.lastLines.join("\n")}`])
    ].join(" ")
  }
}

/** Docker was not installed. */
export class InstallFailed extends Schema.TaggedError<InstallFailed>("@dockwire/core/InstallFailed")("InstallFailed", {
  /** The system is none that is known; it takes root; or a command failed. */
  reason: Schema.Literal("Unsupported", "NotPermitted", "CommandFailed"),
  detail: Schema.String,
  /** The command that failed, with its arguments. */
  command: Schema.optional(Schema.Array(Schema.String)),
  /** Where Docker itself says how it is installed. */
  instructions: Schema.String
}) {
  override get message(): string {
    const command = this.command === undefined ? "" : ` The command was: ${this.command.join(" ")}.`
    return `Docker was not installed: ${this.detail}.${command} See ${this.instructions}`
  }
}

/** Why an engine could not be used. */
export const UnavailableReason = Schema.Literal("NotFound", "Refused", "PermissionDenied", "TimedOut", "Lost")

/** Why an engine could not be used. */
export type UnavailableReason = typeof UnavailableReason.Type

const unavailable: Record<UnavailableReason, string> = {
  NotFound: "nothing is there; is Docker installed and running, and is DOCKER_HOST right?",
  Refused: "the connection was refused; start the Docker engine",
  PermissionDenied:
    "permission denied; run as a user who may use the socket (on Linux: a member of the group docker), or give the certificates or the key that the engine's host knows",
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
  | VolumeNotFound
  | NetworkNotFound
  | FileNotFound
  | ResourceInUse
  | NameConflict
  | PruneInProgress
  | ContainerStateConflict
  | PortAllocated
  | InvalidRequest
  | LogsUnreadable
  | ExecFailed
  | WaitFailed
  | InstallFailed
  | DockerFailure
