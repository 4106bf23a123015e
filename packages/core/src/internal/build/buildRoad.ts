import type * as Effect from "effect/Effect"
import type { DockerRequest } from "../../Docker.js"
import type { EngineUnavailable, InvalidRequest, RegistryError } from "../../DockerError.js"
import type { BuildDecoder } from "./output/buildDecoder.js"
import type { StepTracker } from "./output/stepTracker.js"

/** How a build gets to one of the builders: the request, what goes on beside it, and how to read the response. */
export interface BuildRoad {
  readonly request: DockerRequest
  readonly decoder: (tracker: StepTracker, now: () => number) => BuildDecoder
  /** Fails as soon as the build cannot go on. */
  readonly lost: Effect.Effect<never, EngineUnavailable | InvalidRequest>
  /** Why the builder could not be given what it asked for, if it could not: then this is why the build failed. */
  readonly failure: Effect.Effect<InvalidRequest | RegistryError | undefined>
}
