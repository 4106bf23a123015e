import * as Schema from "effect/Schema"

/** The end of a message: the engine's own words, or why no request was made. */
export const causeSentence = (detail: string): string =>
  detail.startsWith("request not sent") ? `(${detail})` : `(engine: ${detail})`

/** A state of a container that rules out an operation. */
export const ConflictingState = Schema.Literal(
  "running",
  "stopped",
  "paused",
  "restarting",
  "unpaused",
  "removing",
  "misconfigured",
  "unknown"
)

/** What to add to the name of the container, for each state. */
export const stateSentence: Readonly<Record<Exclude<typeof ConflictingState.Type, "misconfigured">, string>> = {
  running: "is running. Stop it first.",
  stopped: "is not running. Start it first.",
  paused: "is paused. Unpause it first.",
  restarting: "is restarting. Wait until it is running, or stop it first.",
  unpaused: "is not paused. Only a paused container can be unpaused.",
  removing: "is being removed. Create a new container once it is gone.",
  unknown: "is in a state that does not allow this operation. Inspect it to see its state."
}

/**
 * A setting that can prevent a container from starting.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerSetting = Schema.Literal(
  "command",
  "workingDirectory",
  "user",
  "network",
  "ports",
  "mounts",
  "devices"
)

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerSetting = typeof ContainerSetting.Type

/**
 * Why waiting for a container failed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WaitFailure = Schema.Literal("TimedOut", "Exited", "Unhealthy", "Removed", "Impossible")

/**
 * @since 0.1.0
 * @category models
 */
export type WaitFailure = typeof WaitFailure.Type

/**
 * One run of a container's health check.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealthCheckRun = Schema.Struct({
  /** RFC 3339. */
  start: Schema.String,
  /** RFC 3339. */
  end: Schema.String,
  exitCode: Schema.Number,
  /** What the check printed. */
  output: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type HealthCheckRun = typeof HealthCheckRun.Type

/**
 * Why the engine is unavailable.
 *
 * @since 0.1.0
 * @category schemas
 */
export const UnavailableReason = Schema.Literal("NotFound", "Refused", "PermissionDenied", "TimedOut", "Lost")

/**
 * @since 0.1.0
 * @category models
 */
export type UnavailableReason = typeof UnavailableReason.Type
