import * as Schema from "effect/Schema"
import { ContainerState } from "../api/containerState.js"
import { RawObject, StringRecord } from "../api/decode.js"

/**
 * A container port. `publicPort` and `ip` are present when the port is published on the host.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerPort = Schema.Struct({
  /** Host address the port is bound to. */
  ip: Schema.optionalWith(Schema.String, { exact: true }),
  /** Port inside the container. */
  privatePort: Schema.Number,
  /** Port on the host. */
  publicPort: Schema.optionalWith(Schema.Number, { exact: true }),
  /** `tcp`, `udp` or `sctp`. */
  protocol: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerPort = typeof ContainerPort.Type

/**
 * A container as returned by `Containers.list`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerSummary = Schema.Struct({
  id: Schema.String,
  /** The container's own name, without the leading slash. Empty if the engine is still creating or removing it. */
  name: Schema.String.annotations({ description: "The container's own name, without the leading slash" }),
  /**
   * All names without the leading slash, the container's own name first. The others are aliases that legacy links have
   * added. They contain a slash: `web/db`.
   */
  names: Schema.Array(Schema.String).annotations({
    description: "The container's own name first, then the aliases that legacy links have added, such as `web/db`"
  }),
  /** Image reference the container was created from. */
  image: Schema.String,
  imageId: Schema.String,
  command: Schema.String,
  /** Creation time, in seconds since the epoch. */
  created: Schema.Number.annotations({ description: "Seconds since the epoch" }),
  state: ContainerState,
  /** Human-readable status from the engine, such as `Up 3 seconds`. */
  status: Schema.String.annotations({ description: "Human-readable status from the engine, such as `Up 3 seconds`" }),
  ports: Schema.Array(ContainerPort),
  labels: StringRecord,
  /** Bytes that the container has written to its own layer. Present if the list was requested with `size`. */
  sizeRw: Schema.optionalWith(Schema.Number, { exact: true }).annotations({
    description: "Bytes that the container has written to its own layer; only in a list with sizes"
  }),
  /** Bytes of the image and the container's own layer together. Present if the list was requested with `size`. */
  sizeRootFs: Schema.optionalWith(Schema.Number, { exact: true }).annotations({
    description: "Bytes of the image and the container's own layer together; only in a list with sizes"
  })
}).annotations({ identifier: "ContainerSummary" })

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerSummary = typeof ContainerSummary.Type

/**
 * A container's connection to a network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerNetwork = Schema.Struct({
  /** Name of the network. */
  name: Schema.String,
  /** Empty before the first start if the network was named when the container was created. */
  networkId: Schema.String,
  /** Without a prefix length, such as `172.17.0.2`; empty if the container is not running or has none. */
  ipv4Address: Schema.String,
  /** Without a prefix length; empty if the container is not running or has none. */
  ipv6Address: Schema.String,
  /** Address of the gateway, or empty. */
  gateway: Schema.String,
  /** Empty if the container is not running. */
  macAddress: Schema.String,
  /** Additional DNS names of the container on the network. */
  aliases: Schema.Array(Schema.String)
}).annotations({ identifier: "ContainerNetwork" })

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerNetwork = typeof ContainerNetwork.Type

/**
 * A file system that is mounted in a container.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerMount = Schema.Struct({
  /** `bind`, `volume`, `tmpfs`, or another type that the engine knows. */
  type: Schema.String,
  /** Name of the volume. */
  name: Schema.optionalWith(Schema.String, { exact: true }),
  /** Path on the engine's host; empty for a tmpfs. */
  source: Schema.String,
  /** Path inside the container. */
  target: Schema.String,
  readOnly: Schema.Boolean
}).annotations({ identifier: "ContainerMount" })

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerMount = typeof ContainerMount.Type

/**
 * A container as returned by `Containers.inspect`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerDetails = Schema.Struct({
  id: Schema.String,
  /** Without the leading slash. */
  name: Schema.String,
  /** Image reference the container was created from. */
  image: Schema.String,
  imageId: Schema.String,
  /** Creation time, RFC 3339. */
  created: Schema.String,
  /** Whether the container has a TTY, in which case stdout and stderr arrive as one stream. */
  tty: Schema.Boolean,
  labels: StringRecord,
  /** Arguments of the entrypoint, or the whole command if there is no entrypoint. */
  command: Schema.Array(Schema.String),
  /** What the container runs, with `command` as further arguments. Empty if it has no entrypoint. */
  entrypoint: Schema.Array(Schema.String),
  /** Environment variables, the image's included. */
  environment: StringRecord,
  /** Open and published ports; empty if the container is not running. */
  ports: Schema.Array(ContainerPort),
  networks: Schema.Array(ContainerNetwork),
  mounts: Schema.Array(ContainerMount),
  /** Logging driver, such as `json-file`. Empty if the engine does not report one. */
  logDriver: Schema.String,
  /** How often the restart policy has restarted the container. */
  restartCount: Schema.Number,
  state: Schema.Struct({
    status: ContainerState,
    /** Exit code of the last run; 0 before the first exit. */
    exitCode: Schema.Number,
    /** The engine's message if the last start failed, otherwise empty. */
    error: Schema.String,
    /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` before the first start. */
    startedAt: Schema.String,
    /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` before the first exit. */
    finishedAt: Schema.String,
    /** `starting`, `healthy` or `unhealthy`. Absent if the container has no health check. */
    health: Schema.optionalWith(Schema.String, { exact: true })
  }),
  /** The complete response from the engine. */
  raw: RawObject
}).annotations({ identifier: "ContainerDetails" })

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerDetails = typeof ContainerDetails.Type

/**
 * A container that has just been created.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreatedContainer = Schema.Struct({
  id: Schema.String,
  /** Warnings from the engine, for example about limits that the kernel does not support. */
  warnings: Schema.Array(Schema.String)
}).annotations({ identifier: "CreatedContainer" })

/**
 * @since 0.1.0
 * @category models
 */
export type CreatedContainer = typeof CreatedContainer.Type

/**
 * How a container exited.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerExit = Schema.Struct({
  exitCode: Schema.Number,
  /** The engine's message if waiting for the exit failed. */
  error: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "ContainerExit" })

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerExit = typeof ContainerExit.Type

/**
 * The processes of a container, as `ps` prints them on the engine's host.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ProcessTable = Schema.Struct({
  /** Column titles, such as `PID` and `CMD`. */
  titles: Schema.Array(Schema.String),
  /** One row per process, with one cell per title. */
  processes: Schema.Array(Schema.Array(Schema.String))
}).annotations({ identifier: "ProcessTable" })

/**
 * @since 0.1.0
 * @category models
 */
export type ProcessTable = typeof ProcessTable.Type

/**
 * A file or directory of a container that differs from its image.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FileChange = Schema.Struct({
  /** Absolute path inside the container. */
  path: Schema.String,
  kind: Schema.Literal("modified", "added", "deleted")
}).annotations({ identifier: "FileChange" })

/**
 * @since 0.1.0
 * @category models
 */
export type FileChange = typeof FileChange.Type
