import {
  Compose,
  Docker,
  type DockerOptions,
  type InvalidRequest,
  LogSink,
  type LogSinkRecorder,
  Operation,
  type OperationEvent,
  RegistryAuth
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { expect } from "vitest"
import type { ReadyCompose } from "../../engine/describeCompose.js"
import { runWith } from "../runWith.js"

/** The services that tests of compose need. */
export type ComposeServices = Compose | Docker | LogSink | LogSinkRecorder

/** `Compose` of an edition, on an engine. */
export const composeAt = (
  { environment }: Pick<ReadyCompose, "environment">,
  options: DockerOptions,
  auth: Layer.Layer<RegistryAuth> = RegistryAuth.layerConfig
): Layer.Layer<ComposeServices, InvalidRequest> =>
  Compose.layerWith({ environment }).pipe(
    Layer.provideMerge(Docker.layer(options)),
    Layer.provide(auth),
    Layer.merge(LogSink.layerTest)
  )

/** What came out of a run: how it ended, and its events. */
export interface ComposeRun<A, E> {
  readonly exit: Exit.Exit<A, E>
  readonly events: ReadonlyArray<OperationEvent>
  readonly lines: ReadonlyArray<string>
}

/** Runs an operation to its end, also if it fails. */
export const ran = <A, E, R>(
  operation: Effect.Effect<Operation<A, E, R>, never, Compose>
): Effect.Effect<ComposeRun<A, E>, never, R | ComposeServices> =>
  Effect.scoped(
    Effect.gen(function* () {
      const run = yield* Operation.start(yield* operation)
      const events: Array<OperationEvent> = []
      yield* Stream.runForEach(run.events, (event) => Effect.sync(() => events.push(event)))
      const exit = yield* Effect.exit(run.result)
      return { exit, events, lines: events.flatMap((event) => (event._tag === "OperationLine" ? [event.text] : [])) }
    })
  )

/** Runs an operation on an edition and an engine. */
export const onCompose = <A, E>(
  compose: Pick<ReadyCompose, "environment">,
  options: DockerOptions,
  program: (compose: Effect.Effect.Success<typeof Compose>) => Effect.Effect<A, E, ComposeServices>,
  auth?: Layer.Layer<RegistryAuth>
): Promise<A> => runWith(composeAt(compose, options, auth), Effect.flatMap(Compose, program))

/** The error of a run that must fail. */
export const errorOf = <A, E>({ exit }: ComposeRun<A, E>): E =>
  Exit.match(exit, {
    onSuccess: () => expect.fail("it succeeded"),
    onFailure: (cause) => (cause._tag === "Fail" ? cause.error : expect.fail(`it did not fail: ${String(cause)}`))
  })
