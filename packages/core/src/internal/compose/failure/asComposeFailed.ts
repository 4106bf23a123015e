import * as Effect from "effect/Effect"
import {
  ComposeFailed,
  type ContainerNotFound,
  type DockerFailure,
  type EngineUnavailable,
  type LogsUnreadable
} from "../../../DockerError.js"
import type { ComposeError } from "./composeFailure.js"

/** What else the engine or compose says is a failure of the project. */
export const toComposeFailed =
  (project: string) =>
  (error: ComposeError | ContainerNotFound | LogsUnreadable | DockerFailure): ComposeFailed | EngineUnavailable =>
    error._tag === "ComposeFailed" || error._tag === "EngineUnavailable"
      ? error
      : new ComposeFailed({ reason: "Failed", project, lastLines: [], detail: error.message })

/** The same for all failures of an effect. */
export const asComposeFailed =
  (project: string) =>
  <A, R>(
    effect: Effect.Effect<A, ComposeError | DockerFailure, R>
  ): Effect.Effect<A, ComposeFailed | EngineUnavailable, R> =>
    Effect.mapError(effect, toComposeFailed(project))
