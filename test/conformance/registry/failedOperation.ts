import {
  Docker,
  type EngineUnavailable,
  Images,
  type InvalidRequest,
  isOperationEnded,
  LogSink,
  LogSinkRecorder,
  Operation,
  type OperationEnded,
  RegistryAuth,
  type RegistryCredentials
} from "@dockwire/core"
import { Cause, type Duration, Effect, Exit, Fiber, Layer, Option } from "effect"
import { testLabels } from "../../engine/testRun.js"
import type { Way } from "./failingRows.js"

/** What an operation is to do. */
export interface Attempt {
  readonly endpoint: string
  readonly way: Way
  readonly image: string
  /** The reference of what a build makes. */
  readonly tag: string
  readonly credentials: Readonly<Record<string, RegistryCredentials>>
  readonly platform?: string
  readonly stallTimeout: Duration.DurationInput
  /** After how long it is interrupted. */
  readonly patience: Duration.DurationInput
}

/** How an operation ended. */
export interface Ended {
  /** The error; `undefined` if it was interrupted. */
  readonly error: unknown
  /** All events that end an operation. */
  readonly last: ReadonlyArray<OperationEnded>
  /** All events, as text. */
  readonly shown: string
  /** Those images that the engine has, of those that the operation could have given it. */
  readonly listed: ReadonlyArray<string>
}

const operationOf = (
  images: Effect.Effect.Success<typeof Images>,
  attempt: Attempt
): Effect.Effect<void, unknown, LogSink> => {
  const { image, platform, stallTimeout, tag, way } = attempt
  const forPlatform = platform === undefined ? {} : { platform }
  switch (way) {
    case "pull":
      return Effect.asVoid(Operation.run(images.pull(image, { stallTimeout, ...forPlatform })))
    case "push":
      return Effect.asVoid(Operation.run(images.push(image, { stallTimeout })))
    case "base": {
      const dockerfile = { text: `FROM ${image}\nCOPY / /\n` }
      return Effect.asVoid(
        Operation.run(images.build({ dockerfile, tags: [tag], labels: testLabels(), stallTimeout, ...forPlatform }))
      )
    }
  }
}

const layerOf = ({ credentials, endpoint }: Attempt): Layer.Layer<Images, InvalidRequest | EngineUnavailable> =>
  Images.layer.pipe(Layer.provide(Docker.layer({ endpoint })), Layer.provide(RegistryAuth.layer(credentials)))

/** Runs an operation that must not succeed. */
export const failedOperation = (attempt: Attempt): Promise<Ended> => {
  const { image, patience, tag, way } = attempt
  const program = Effect.gen(function* () {
    const images = yield* Images
    const recorder = yield* LogSinkRecorder
    if (way === "push") yield* images.tag("busybox:latest", image)
    const fiber = yield* Effect.fork(operationOf(images, attempt))
    const awaited = yield* Effect.timeoutOption(Fiber.await(fiber), patience)
    const exit = yield* Option.match(awaited, { onNone: () => Fiber.interrupt(fiber), onSome: Effect.succeed })
    if (Exit.isSuccess(exit)) throw new Error("The operation succeeded.")
    const events = yield* recorder.events
    const isListed = (name: string) => Effect.isSuccess(images.inspect(name))
    const listed = yield* Effect.filter(way === "push" ? [] : [image, tag], isListed)
    for (const name of way === "push" ? [image] : listed) yield* Effect.ignore(images.remove(name, { force: true }))
    return {
      error: Cause.isInterruptedOnly(exit.cause) ? undefined : Cause.squash(exit.cause),
      last: events.filter(isOperationEnded),
      shown: JSON.stringify(events),
      listed
    }
  })
  return Effect.runPromise(program.pipe(Effect.provide(Layer.merge(layerOf(attempt), LogSink.layerTest))))
}
