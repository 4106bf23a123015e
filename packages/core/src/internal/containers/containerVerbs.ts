import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import { type EngineError, InvalidRequest, NameConflict } from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "../api/decode.js"
import { hasApi } from "../api/apiVersion.js"
import { ambiguousId, containerNotFound, isNameTaken, mapEngineError, stateConflict } from "../api/errors/errorRules.js"
import { containerPath } from "../api/names.js"
import { traced } from "../api/traced.js"
import { blamedLimit } from "./spec/blamedField.js"
import type { ContainerExit } from "./containerModels.js"
import type { ContainerLimits } from "./spec/containerSpec.js"
import { encodeContainerLimits } from "./spec/encodeContainer.js"
import { startError } from "./startErrors.js"
import { defaultStopTimeout, stopRequest, waitTime } from "./stopTimeout.js"

/**
 * Options of `Containers.stop` and `Containers.restart`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerStopOptions {
  /**
   * How long to wait for the container to stop before killing it, rounded up to whole seconds. The engine waits
   * indefinitely for `Duration.infinity`, for durations of centuries, and like the docker CLI for negative ones
   * (`"-1 seconds"`). Default: the container's own stop timeout, or else 10 seconds.
   */
  readonly timeout?: Duration.DurationInput
  /** The signal to stop the container with, such as `SIGINT`. Default: the container's own stop signal. */
  readonly signal?: string
}

/**
 * What `Containers.start` found.
 *
 * @since 0.1.0
 * @category models
 */
export interface StartResult {
  /** Whether the container was running already, so that there was nothing to do. */
  readonly alreadyRunning: boolean
}

const decodeExit = decodeResponse(
  Schema.Struct({ StatusCode: Schema.Number, Error: nullable(Schema.Struct({ Message: Schema.String })) })
)

const decodeUpdated = decodeResponse(Schema.Struct({ Warnings: nullable(Schema.Array(Schema.String)) }))

/** Rule for methods that fail only because the container is missing or in the wrong state. */
const stateError = (id: string, error: EngineError) => containerNotFound(id, error) ?? stateConflict(id, error)

const killError = (id: string, signal: string, error: EngineError) =>
  stateError(id, error) ??
  ambiguousId(id, error) ??
  (error.status === 400 || /invalid signal/i.test(error.detail)
    ? new InvalidRequest({ field: "signal", value: signal, detail: error.detail })
    : undefined)

const stopError = (id: string, signal: string | undefined, error: EngineError) =>
  containerNotFound(id, error) ??
  (signal !== undefined && /invalid signal/i.test(error.detail)
    ? new InvalidRequest({ field: "signal", value: signal, detail: error.detail })
    : undefined)

const renameError = (id: string, name: string, error: EngineError) =>
  containerNotFound(id, error) ??
  ambiguousId(id, error) ??
  (isNameTaken(error)
    ? new NameConflict({ name, detail: error.detail })
    : error.status === 400 || /names must match/.test(error.detail)
      ? new InvalidRequest({ field: "name", value: name, detail: error.detail })
      : undefined)

/** A limit can be invalid by itself, together with another one, or by what the kernel says: the status differs. */
const updateError = (id: string, limits: ContainerLimits, error: EngineError) => {
  const notFound = stateError(id, error) ?? ambiguousId(id, error)
  if (notFound !== undefined) return notFound
  const { detail, status } = error
  const field = blamedLimit(detail)
  if (field === undefined) {
    return status === 400 ? new InvalidRequest({ field: "limits", value: JSON.stringify(limits), detail }) : undefined
  }
  const value = limits[field]
  return new InvalidRequest({ field, value: typeof value === "object" ? value.policy : String(value ?? ""), detail })
}

/** Methods of `Containers` that change one container, and `wait`. */
export const containerVerbs = (docker: DockerShape) => {
  const post = (id: string, action: string, options: Pick<DockerRequest, "query" | "timeout"> = {}) =>
    Effect.flatMap(containerPath(id, `/${action}`), (path) => docker.json({ method: "POST", path, ...options }))

  const wait = (id: string, condition: "not-running" | "next-exit" | "removed") =>
    Effect.flatMap(containerPath(id, "/wait"), (path) =>
      requestDecoded(docker, { method: "POST", path, query: { condition }, timeout: Duration.infinity }, decodeExit)
    )

  const signalled = (id: string, options: ContainerStopOptions, action: "stop" | "restart") => {
    const { query, timeout } = stopRequest(options.timeout)
    const asked = { query: { ...query, signal: options.signal }, ...(timeout === undefined ? {} : { timeout }) }
    return Effect.asVoid(post(id, action, asked))
  }

  /** Engines before API 1.42 ignore the signal of a stop: they send it in a request of its own. */
  const signalledFirst = (id: string, { signal, timeout }: ContainerStopOptions, action: "stop" | "restart") =>
    post(id, "kill", { query: { signal } }).pipe(
      Effect.zipRight(
        Effect.timeoutOption(wait(id, "not-running"), timeout === undefined ? defaultStopTimeout : waitTime(timeout))
      ),
      // A container that is not running has nothing to be signalled.
      Effect.catchIf(
        (error) => error._tag === "EngineError" && stateConflict(id, error)?.state !== undefined,
        () => Effect.void
      ),
      Effect.zipRight(signalled(id, { timeout: 0 }, action))
    )

  const withSignal = (id: string, options: ContainerStopOptions, action: "stop" | "restart") =>
    options.signal === undefined
      ? signalled(id, options, action)
      : Effect.flatMap(hasApi(docker, 42), (isSupported) =>
          isSupported ? signalled(id, options, action) : signalledFirst(id, options, action)
        )

  return {
    start: traced("Containers.start")((id: string) =>
      post(id, "start").pipe(
        Effect.map(({ status }): StartResult => ({ alreadyRunning: status === 304 })),
        mapEngineError((error) => startError(id, error))
      )
    ),

    stop: traced("Containers.stop")((id: string, options: ContainerStopOptions = {}) =>
      withSignal(id, options, "stop").pipe(mapEngineError((error) => stopError(id, options.signal, error)))
    ),

    restart: traced("Containers.restart")((id: string, options: ContainerStopOptions = {}) =>
      withSignal(id, options, "restart").pipe(mapEngineError((error) => startError(id, error)))
    ),

    kill: traced("Containers.kill")((id: string, signal: string = "SIGKILL") =>
      post(id, "kill", { query: { signal } }).pipe(
        Effect.asVoid,
        mapEngineError((error) => killError(id, signal, error))
      )
    ),

    pause: traced("Containers.pause")((id: string) =>
      post(id, "pause").pipe(
        Effect.asVoid,
        mapEngineError((error) => stateError(id, error))
      )
    ),

    unpause: traced("Containers.unpause")((id: string) =>
      post(id, "unpause").pipe(
        Effect.asVoid,
        mapEngineError((error) => stateError(id, error))
      )
    ),

    remove: traced("Containers.remove")(
      (id: string, options: { readonly force?: boolean; readonly volumes?: boolean } = {}) =>
        containerPath(id, "").pipe(
          Effect.flatMap((path) =>
            docker.json({
              method: "DELETE",
              path,
              query: { force: options.force ?? false, v: options.volumes ?? false }
            })
          ),
          Effect.asVoid,
          mapEngineError((error) => stateError(id, error))
        )
    ),

    rename: traced("Containers.rename")((id: string, name: string) =>
      post(id, "rename", { query: { name } }).pipe(
        Effect.asVoid,
        mapEngineError((error) => renameError(id, name, error))
      )
    ),

    update: traced("Containers.update")((id: string, limits: ContainerLimits) =>
      containerPath(id, "/update").pipe(
        Effect.flatMap((path) =>
          requestDecoded(docker, { method: "POST", path, body: encodeContainerLimits(limits) }, decodeUpdated)
        ),
        Effect.map(({ Warnings }) => Warnings ?? []),
        mapEngineError((error) => updateError(id, limits, error))
      )
    ),

    wait: traced("Containers.wait")((id: string, condition: "not-running" | "next-exit" | "removed" = "not-running") =>
      wait(id, condition).pipe(
        Effect.map(({ Error, StatusCode }): ContainerExit => ({
          exitCode: StatusCode,
          ...(Error == null ? {} : { error: Error.Message })
        })),
        mapEngineError((error) => containerNotFound(id, error))
      )
    )
  }
}
