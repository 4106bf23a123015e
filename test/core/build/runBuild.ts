import {
  type BuildSpec,
  type BuiltImage,
  Docker,
  type DockerRequest,
  EngineError,
  Images,
  LogSink,
  LogSinkRecorder,
  Operation,
  type OperationEvent,
  type OperationLine,
  type OperationProgress,
  RegistryAuth,
  type RegistryAuthShape,
  type RegistryCredentials
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { Duplex } from "node:stream"
import { testLabels } from "../../engine/testRun.js"

/** How a test builds. */
export interface RunBuildOptions {
  readonly endpoint: string
  /** Takes the classic builder, as if the engine had no sessions. */
  readonly isClassic?: boolean
  readonly credentials?: Readonly<Record<string, RegistryCredentials>> | RegistryAuthShape
  /** Interrupts the build at the first event for which this holds. */
  readonly interruptAt?: (event: OperationEvent) => boolean
  /** Called with each event, and the connection of the session. */
  readonly onEvent?: (event: OperationEvent, session: Duplex | undefined) => void
}

/** A build that has ended. */
export interface FinishedBuild {
  readonly exit: Exit.Exit<BuiltImage, unknown>
  /** The image; a build that failed fails the test. */
  readonly image: () => BuiltImage
  /** The error; a build that did not fail with one fails the test. */
  readonly failure: () => unknown
  readonly events: ReadonlyArray<OperationEvent>
  readonly lines: ReadonlyArray<OperationLine>
  readonly progress: ReadonlyArray<OperationProgress>
  /** The requests of the build. */
  readonly requests: ReadonlyArray<DockerRequest>
}

const authLayer = (credentials: RunBuildOptions["credentials"]): Layer.Layer<RegistryAuth> =>
  credentials !== undefined && "find" in credentials && typeof credentials.find === "function"
    ? Layer.succeed(RegistryAuth, { find: credentials.find })
    : RegistryAuth.layer(Object.fromEntries(Object.entries(credentials ?? {})))

const noSession = new EngineError({ request: "POST /session", status: 404, detail: "page not found" })

/** An engine as if it had no sessions, so that builds take the classic builder. */
export const withoutSessions = Layer.effect(
  Docker,
  Effect.map(Docker, (door): Effect.Effect.Success<typeof Docker> => ({
    ...door,
    hijack: () => Effect.fail(noSession)
  }))
)

/** Runs a build, and records what it emits and requests. */
export const runBuild = async (spec: BuildSpec, options: RunBuildOptions): Promise<FinishedBuild> => {
  const requests: Array<DockerRequest> = []
  let session: Duplex | undefined
  const recorded = Layer.effect(
    Docker,
    Effect.map(Docker, (door): Effect.Effect.Success<typeof Docker> => ({
      ...door,
      stream: (request) => {
        requests.push(request)
        return door.stream(request)
      },
      hijack: (request) =>
        options.isClassic === true
          ? Effect.fail(noSession)
          : Effect.tap(door.hijack(request), (duplex) => Effect.sync(() => (session = duplex.socket)))
    }))
  ).pipe(Layer.provide(Docker.layer({ endpoint: options.endpoint })))
  const services = Images.layer.pipe(Layer.provide([recorded, authLayer(options.credentials)]))
  const program = Effect.gen(function* () {
    const recorder = yield* LogSinkRecorder
    const images = yield* Images
    const labelled = { ...spec, labels: { ...spec.labels, ...testLabels() } }
    const fiber = yield* Effect.fork(Operation.run(images.build(labelled)))
    const { interruptAt, onEvent } = options
    let seen = 0
    const watching = recorder.waitFor((events) => {
      const news = events.slice(seen).flatMap((event) => ("logId" in event ? [event] : []))
      seen = events.length
      for (const event of news) onEvent?.(event, session)
      return interruptAt !== undefined && news.some(interruptAt)
    })
    if (interruptAt !== undefined || onEvent !== undefined) yield* Effect.raceFirst(Fiber.await(fiber), watching)
    if (interruptAt !== undefined) yield* Fiber.interrupt(fiber)
    const exit = yield* Fiber.await(fiber)
    return { exit, events: (yield* recorder.events).flatMap((event) => ("logId" in event ? [event] : [])) }
  })
  const { events, exit } = await Effect.runPromise(
    program.pipe(Effect.provide(Layer.merge(services, LogSink.layerTest)))
  )
  return {
    exit,
    events,
    requests,
    lines: events.flatMap((event) => (event._tag === "OperationLine" ? [event] : [])),
    progress: events.flatMap((event) => (event._tag === "OperationProgress" ? [event] : [])),
    image: () => {
      if (Exit.isSuccess(exit)) return exit.value
      throw new Error(`The build failed: ${String(exit.cause)}`)
    },
    failure: () => {
      if (Exit.isSuccess(exit)) throw new Error("The build succeeded.")
      if (exit.cause._tag === "Fail") return exit.cause.error
      throw new Error(`The build did not fail with an error: ${String(exit.cause)}`)
    }
  }
}
