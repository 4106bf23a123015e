import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { Docker } from "../../packages/core/src/Docker.js"
import { answersPing } from "./engineRequest.js"

const defaultEndpoint = "unix:///var/run/docker.sock"

/** The engine that the docker command would use, or why there is none. */
const configuredEndpoint = (): Promise<Either.Either<string, string>> =>
  Docker.configured.pipe(
    Effect.map(({ endpoint }) => endpoint),
    Effect.mapError(String),
    Effect.either,
    Logger.withMinimumLogLevel(LogLevel.None),
    Effect.runPromise
  )

/** What was found out about the engines that are running already. */
export interface ReachableEndpoint {
  /** `undefined` if none answers. */
  readonly endpoint: string | undefined
  /** What was tried, for a message. */
  readonly tried: string
}

/**
 * Finds an engine that answers: the one that the docker command would use (`DOCKER_HOST`, else the current context, such as
 * that of Docker Desktop, colima or a rootless engine), else the one at the default socket.
 */
export const reachableEndpoint = async (): Promise<ReachableEndpoint> => {
  const configured = await configuredEndpoint()
  const candidates = new Set([
    ...Either.match(configured, { onLeft: () => [], onRight: (one) => [one] }),
    defaultEndpoint
  ])
  const tried = [
    ...Either.match(configured, { onLeft: (error) => [`the configured one (${error})`], onRight: () => [] }),
    ...candidates
  ].join(" or ")
  for (const endpoint of candidates) if (await answersPing(endpoint)) return { endpoint, tried }
  return { endpoint: undefined, tried }
}
