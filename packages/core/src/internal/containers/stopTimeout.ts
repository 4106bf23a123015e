import * as Duration from "effect/Duration"
import type { DockerRequest } from "../../Docker.js"

/** The longest timeout that does not overflow the engine's nanoseconds. With a longer one it would kill at once. */
const longestSeconds = 9_223_372_036

/** Converts a stop timeout to whole seconds, or -1 for no timeout. */
const stopSeconds = (timeout: Duration.DurationInput): number => {
  // `Duration` clamps negative input to zero, which would kill the container at once.
  const negative =
    typeof timeout === "string"
      ? timeout.startsWith("-")
      : typeof timeout === "number" || typeof timeout === "bigint"
        ? timeout < 0
        : Array.isArray(timeout) && timeout.some((part) => part < 0)
  const seconds = Math.ceil(Duration.toSeconds(timeout))
  return negative || seconds > longestSeconds ? -1 : seconds
}

/**
 * Query and timeout of a stop or restart request. The engine responds once the container has stopped, so the request
 * needs more time than the container gets.
 */
export const stopRequest = (timeout: Duration.DurationInput | undefined): Pick<DockerRequest, "query" | "timeout"> => {
  if (timeout === undefined) return { timeout: Duration.infinity }
  const seconds = stopSeconds(timeout)
  return { query: { t: seconds }, timeout: seconds < 0 ? Duration.infinity : Duration.seconds(seconds + 60) }
}

/** The engine's own stop timeout, for a container that has none. */
export const defaultStopTimeout = Duration.seconds(10)

/** How long the engine waits with a stop timeout. */
export const waitTime = (timeout: Duration.DurationInput): Duration.Duration => {
  const seconds = stopSeconds(timeout)
  return seconds < 0 ? Duration.infinity : Duration.seconds(seconds)
}
