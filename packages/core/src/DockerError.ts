/**
 * Errors, grouped by what a caller can do about them. Each one carries the id or name it is about, the engine's message
 * in `detail`, and a `message` that says what happened and what to do.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type {
  ComposeFileInvalid,
  ComposeFileUnusable,
  DownloadFailed
} from "./internal/api/errors/composeFileErrors.js"
import {
  causeSentence,
  ConflictingState,
  ContainerSetting,
  HealthCheckRun,
  stateSentence,
  UnavailableReason,
  WaitFailure
} from "./internal/api/errors/errorModels.js"
import { ComposeFailed, ComposeFailure } from "./internal/api/errors/composeErrors.js"
import { BuildFailed, ImageNotFound, RegistryError, RegistryFailure } from "./internal/api/errors/imageErrors.js"

export {
  BuildFailed,
  ComposeFailed,
  ComposeFailure,
  ContainerSetting,
  HealthCheckRun,
  ImageNotFound,
  RegistryError,
  RegistryFailure,
  UnavailableReason,
  WaitFailure
}

export * from "./internal/api/errors/composeFileErrors.js"

const containerId = Schema.String.annotations({ description: "Id or name of the container, as the caller passed it" })
const detail = Schema.String.annotations({ description: "The engine's message" })

/**
 * No container has this id or name.
 *
 * @since 0.1.0
 * @category errors
 */
export class ContainerNotFound extends Schema.TaggedError<ContainerNotFound>("@dockwire/core/ContainerNotFound")(
  "ContainerNotFound",
  { containerId, detail }
) {
  override get message(): string {
    return `Container "${this.containerId}" not found. Run "docker ps -a" or list the containers to see which exist. ${causeSentence(this.detail)}`
  }
}

/**
 * No volume has this name.
 *
 * @since 0.1.0
 * @category errors
 */
export class VolumeNotFound extends Schema.TaggedError<VolumeNotFound>("@dockwire/core/VolumeNotFound")(
  "VolumeNotFound",
  {
    /** The name as the caller passed it. */
    volume: Schema.String,
    detail
  }
) {
  override get message(): string {
    return `Volume "${this.volume}" not found. Run "docker volume ls" or list the volumes to see which exist. ${causeSentence(this.detail)}`
  }
}

/**
 * No network has this id or name.
 *
 * @since 0.1.0
 * @category errors
 */
export class NetworkNotFound extends Schema.TaggedError<NetworkNotFound>("@dockwire/core/NetworkNotFound")(
  "NetworkNotFound",
  {
    /** The id or name as the caller passed it. */
    network: Schema.String,
    detail
  }
) {
  override get message(): string {
    return `Network "${this.network}" not found. Run "docker network ls" or list the networks to see which exist. ${causeSentence(this.detail)}`
  }
}

/**
 * The container has no file or directory at this path.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileNotFound extends Schema.TaggedError<FileNotFound>("@dockwire/core/FileNotFound")("FileNotFound", {
  containerId,
  /** The path inside the container. */
  path: Schema.String,
  detail
}) {
  override get message(): string {
    return `No such file or directory in container "${this.containerId}": "${this.path}". Check the path. ${causeSentence(this.detail)}`
  }
}

/**
 * A volume, network or image cannot be removed because a container uses it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResourceInUse extends Schema.TaggedError<ResourceInUse>("@dockwire/core/ResourceInUse")("ResourceInUse", {
  /** The id or name of the resource as the caller passed it. */
  resource: Schema.String,
  detail
}) {
  override get message(): string {
    return `"${this.resource}" is in use. Remove or disconnect the containers that use it first. ${causeSentence(this.detail)}`
  }
}

/**
 * Another resource already has this name.
 *
 * @since 0.1.0
 * @category errors
 */
export class NameConflict extends Schema.TaggedError<NameConflict>("@dockwire/core/NameConflict")("NameConflict", {
  /** The requested name. */
  name: Schema.String,
  detail
}) {
  override get message(): string {
    return `The name "${this.name}" is already in use. Choose another name, or remove or rename the resource that has it. ${causeSentence(this.detail)}`
  }
}

/**
 * The engine is already running a prune of the same kind. It runs only one at a time.
 *
 * @since 0.1.0
 * @category errors
 */
export class PruneInProgress extends Schema.TaggedError<PruneInProgress>("@dockwire/core/PruneInProgress")(
  "PruneInProgress",
  {
    /** The kind of resource being pruned. */
    kind: Schema.Literal("containers", "networks", "volumes", "images", "build cache"),
    detail
  }
) {
  override get message(): string {
    return `The engine is already running a prune (${this.kind}). Try again when it has finished. ${causeSentence(this.detail)}`
  }
}

/**
 * The container's state does not allow the operation.
 *
 * @since 0.1.0
 * @category errors
 */
export class ContainerStateConflict extends Schema.TaggedError<ContainerStateConflict>(
  "@dockwire/core/ContainerStateConflict"
)("ContainerStateConflict", {
  containerId,
  /**
   * The conflicting state, or `unknown` if the engine does not name it. A `misconfigured` container can never start,
   * because it was created with a setting that refers to something missing or unusable; `setting` names it.
   */
  state: ConflictingState,
  /** The setting at fault, if the container is `misconfigured`. */
  setting: Schema.optional(ContainerSetting),
  detail
}) {
  override get message(): string {
    const sentence =
      this.state === "misconfigured"
        ? `cannot start because its configuration (${this.setting ?? "unknown setting"}) refers to something that is missing or unusable. Provide it, or recreate the container with a different setting.`
        : stateSentence[this.state]
    return `Container "${this.containerId}" ${sentence} ${causeSentence(this.detail)}`
  }
}

/**
 * A host port that the container publishes is already in use by another container or by a process on the host.
 *
 * @since 0.1.0
 * @category errors
 */
export class PortAllocated extends Schema.TaggedError<PortAllocated>("@dockwire/core/PortAllocated")("PortAllocated", {
  containerId,
  /** The host `address:port`, if the engine names it. */
  address: Schema.optional(Schema.String),
  detail
}) {
  override get message(): string {
    return `Container "${this.containerId}" cannot publish ${this.address ?? "its port"}: already in use on the host. Stop whatever uses it, or publish another port. ${causeSentence(this.detail)}`
  }
}

/**
 * The request is invalid.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("@dockwire/core/InvalidRequest")(
  "InvalidRequest",
  {
    /** The parameter that is invalid. */
    field: Schema.String,
    /** The value that was passed. */
    value: Schema.String,
    /** Why it is invalid, or the engine's message. */
    detail: Schema.String
  }
) {
  override get message(): string {
    return `Invalid ${this.field} ${JSON.stringify(this.value)}: ${this.detail}`
  }
}

/**
 * The container's logging driver does not support reading logs.
 *
 * @since 0.1.0
 * @category errors
 */
export class LogsUnreadable extends Schema.TaggedError<LogsUnreadable>("@dockwire/core/LogsUnreadable")(
  "LogsUnreadable",
  { containerId, detail }
) {
  override get message(): string {
    return `Cannot read the logs of container "${this.containerId}": its logging driver does not support reading. Recreate the container with the json-file or local driver. ${causeSentence(this.detail)}`
  }
}

/**
 * A command could not be started in the container. It does not exist or is not executable, or its working directory or
 * user does not exist.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecFailed extends Schema.TaggedError<ExecFailed>("@dockwire/core/ExecFailed")("ExecFailed", {
  containerId,
  /** The command and its arguments. */
  command: Schema.Array(Schema.String),
  detail
}) {
  override get message(): string {
    return `Cannot start ${JSON.stringify(this.command)} in container "${this.containerId}". Check that the command, its working directory and its user exist there. ${causeSentence(this.detail)}`
  }
}

/**
 * A container did not reach the awaited condition in time, or no longer can.
 *
 * @since 0.1.0
 * @category errors
 */
export class WaitFailed extends Schema.TaggedError<WaitFailed>("@dockwire/core/WaitFailed")("WaitFailed", {
  /** The container's full id. */
  containerId: Schema.String,
  /** Description of the awaited condition. */
  condition: Schema.String,
  reason: WaitFailure,
  /** What happened instead. */
  detail: Schema.String,
  /** The latest runs of the health check, newest last. */
  healthLog: Schema.Array(HealthCheckRun),
  /** The last lines of the log. */
  lastLines: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const health = this.healthLog.at(-1)
    return [
      `Waiting for container "${this.containerId}" failed (condition: ${this.condition}): ${this.detail}.`,
      ...(health === undefined ? [] : [`Last health check (exit code ${health.exitCode}): ${health.output.trim()}`]),
      ...(this.lastLines.length === 0 ? [] : ["Last log lines:", ...this.lastLines])
    ].join("\n")
  }
}

/**
 * Docker could not be installed.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallFailed extends Schema.TaggedError<InstallFailed>("@dockwire/core/InstallFailed")("InstallFailed", {
  /** The operating system is not supported, root privileges are missing, or a command failed. */
  reason: Schema.Literal("Unsupported", "NotPermitted", "CommandFailed"),
  /** What went wrong. */
  detail: Schema.String,
  /** The failed command and its arguments. */
  command: Schema.optional(Schema.Array(Schema.String)),
  /** URL of Docker's installation instructions. */
  instructions: Schema.String
}) {
  override get message(): string {
    const command = this.command === undefined ? "" : ` Failed command: ${this.command.join(" ")}.`
    return `Docker was not installed: ${this.detail}.${command} For manual installation see ${this.instructions}`
  }
}

const unavailableSentence: Record<UnavailableReason, string> = {
  NotFound: "no such socket or host. Check that Docker is installed and running, and that DOCKER_HOST is correct.",
  Refused: "connection refused. Start the Docker engine.",
  PermissionDenied:
    'permission denied. Use an account that has access to the socket (on Linux, a member of the "docker" group), or configure the TLS certificates or the SSH key that the host accepts.',
  TimedOut: "no response in time. Check that the engine is reachable and not overloaded.",
  Lost: "connection lost. Check that the engine is still running, then try again."
}

/**
 * The engine could not be reached (`NotFound`, `Refused`, `PermissionDenied`, `TimedOut`), or the connection was lost
 * before the response was complete (`Lost`).
 *
 * @since 0.1.0
 * @category errors
 */
export class EngineUnavailable extends Schema.TaggedError<EngineUnavailable>("@dockwire/core/EngineUnavailable")(
  "EngineUnavailable",
  {
    /** URL of the engine, such as `unix:///var/run/docker.sock`. */
    endpoint: Schema.String,
    reason: UnavailableReason,
    /** The underlying error. */
    detail: Schema.String
  }
) {
  override get message(): string {
    return `Docker engine at ${this.endpoint} unavailable: ${unavailableSentence[this.reason]} (${this.detail})`
  }
}

/**
 * The engine rejected a request for a reason that no other error covers.
 *
 * @since 0.1.0
 * @category errors
 */
export class EngineError extends Schema.TaggedError<EngineError>("@dockwire/core/EngineError")("EngineError", {
  /** HTTP method and path of the request. */
  request: Schema.String,
  /** HTTP status of the response. */
  status: Schema.Number,
  detail
}) {
  override get message(): string {
    return `The Docker engine responded with status ${this.status} to ${this.request}: ${this.detail}`
  }
}

/**
 * Errors that any request can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type DockerFailure = EngineUnavailable | EngineError

/**
 * Every error of this package. No method fails with all of them; each method's type lists its own.
 *
 * @since 0.1.0
 * @category errors
 */
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
  | RegistryError
  | BuildFailed
  | ComposeFailed
  | ComposeFileInvalid
  | ComposeFileUnusable
  | DownloadFailed
  | InvalidRequest
  | LogsUnreadable
  | ExecFailed
  | WaitFailed
  | InstallFailed
  | DockerFailure
