import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import type {
  BuildFailed,
  EngineError,
  EngineUnavailable,
  ImageNotFound,
  InvalidRequest,
  RegistryError
} from "../../DockerError.js"
import type { Operation, OperationStep } from "../../Operation.js"
import type { FoundCredentials, RegistryAuthShape } from "../../RegistryAuth.js"
import { defaultStallTimeout, limitSilence } from "../registry/silenceLimit.js"
import { plainBuildArgs } from "./buildQuery.js"
import { buildFailure, type FailureContext, fetchTask, refusal } from "./buildFailure.js"
import type { BuildRoad } from "./buildRoad.js"
import type { BuildSpec, BuiltImage } from "./buildSpec.js"
import { openBuildkitRoad } from "./buildkitRoad.js"
import { openClassicRoad } from "./classic/classicRoad.js"
import { dockerfileImages } from "./classic/dockerfileImages.js"
import { type BuildContext, openBuildContext } from "./context/buildContext.js"
import { BuildOutput } from "./output/buildOutput.js"
import { Redactor } from "./output/redactor.js"
import { StepTracker } from "./output/stepTracker.js"
import { type PreparedBuild, prepareBuild } from "./preparedBuild.js"

/** What a build can fail with. */
export type BuildError = BuildFailed | RegistryError | ImageNotFound | InvalidRequest | EngineUnavailable

type Steps = Stream.Stream<OperationStep<BuiltImage>, BuildError>

/** The folder of the context. An archive is not looked into. */
const openContext = ({ context, dockerfile }: BuildSpec): Effect.Effect<BuildContext | undefined, InvalidRequest> =>
  context !== undefined && typeof context !== "string"
    ? Effect.succeed(undefined)
    : openBuildContext({
        folder: context,
        dockerfile: typeof dockerfile === "string" ? { path: dockerfile } : dockerfile
      })

/** Takes the road that the engine has. */
const openRoad = (
  docker: DockerShape,
  build: PreparedBuild,
  context: BuildContext | undefined,
  credentials: RegistryAuthShape["find"]
) =>
  Effect.flatMap(openBuildkitRoad(docker, build, context, credentials), (road) =>
    road === "unsupported" ? openClassicRoad(build, context, credentials) : Effect.succeed(road)
  )

/** Remembers the credentials that are found, so that they can be named and hidden. */
const recording =
  (
    find: RegistryAuthShape["find"],
    found: Map<string, FoundCredentials>,
    redactor: Redactor
  ): RegistryAuthShape["find"] =>
  (registry) =>
    Effect.tap(find(registry), (credentials) =>
      Effect.sync(() => {
        if (credentials === undefined) return
        found.set(registry, credentials)
        for (const secret of [credentials.password, credentials.identityToken, credentials.registryToken]) {
          if (secret !== undefined) redactor.add(secret)
        }
      })
    )

/** Sends the request, and reads the response to its end, or until a registry has been silent for too long. */
export const respondedSteps = (
  docker: DockerShape,
  road: BuildRoad,
  output: BuildOutput,
  context: FailureContext
): Stream.Stream<OperationStep<never>, EngineError | EngineUnavailable | InvalidRequest | RegistryError> =>
  Stream.unwrapScoped(Effect.map(docker.stream(road.request), ({ body }) => body)).pipe(
    (body) =>
      limitSilence(body, {
        docker,
        stallTimeout: Duration.decode(context.spec.stallTimeout ?? defaultStallTimeout),
        decode: (bytes) => ({ steps: output.push(bytes), hasNews: output.takeNews() }),
        hasNews: ({ hasNews }) => hasNews,
        task: () => fetchTask(output, context)
      }),
    Stream.mapChunks((pieces) => Chunk.unsafeFromArray(Chunk.toReadonlyArray(pieces).flatMap(({ steps }) => steps))),
    Stream.interruptWhen(road.lost),
    // A connection that breaks after the builder has said why the build failed takes nothing from that.
    Stream.catchAll((error) =>
      output.error !== undefined ? Stream.empty : Stream.concat(Stream.fromIterable(output.end()), Stream.fail(error))
    ),
    Stream.concat(Stream.suspend(() => Stream.fromIterable(output.end())))
  )

const buildSteps = (
  docker: DockerShape,
  auth: RegistryAuthShape,
  spec: BuildSpec
): Effect.Effect<Steps, BuildError, Scope.Scope> =>
  Effect.gen(function* () {
    const build = yield* prepareBuild(spec)
    const context = yield* openContext(spec)
    const redactor = new Redactor(build.hidden)
    const credentials = new Map<string, FoundCredentials>()
    const text =
      typeof spec.dockerfile === "object" ? spec.dockerfile.text : new TextDecoder().decode(context?.dockerfile.content)
    const images = dockerfileImages(text, new Map(Object.entries(plainBuildArgs(build))))
    const failureContext: FailureContext = { redactor, images, credentials, spec }
    const road = yield* openRoad(docker, build, context, recording(auth.find, credentials, redactor)).pipe(
      Effect.catchTag("EngineError", (error) => Effect.fail(refusal(error, failureContext)))
    )
    const clock = yield* Effect.clock
    const tracker = new StepTracker(redactor)
    const output = new BuildOutput(
      tracker,
      road.decoder(tracker, () => clock.unsafeCurrentTimeMillis())
    )
    const conclusion = Effect.suspend((): Effect.Effect<OperationStep<BuiltImage>, BuildError> => {
      if (output.imageId !== undefined) {
        return Effect.succeed({ _tag: "Result", value: { id: output.imageId, tags: build.tags } })
      }
      return Effect.flatMap(road.failure, (failure) => Effect.fail(failure ?? buildFailure(output, failureContext)))
    })
    return respondedSteps(docker, road, output, failureContext).pipe(
      Stream.catchTag("EngineError", (error) => Stream.fail(refusal(error, failureContext))),
      Stream.concat(Stream.fromEffect(conclusion))
    )
  })

/** `Images.build` */
export const buildImage =
  (docker: DockerShape, auth: RegistryAuthShape) =>
  (spec: BuildSpec): Operation<BuiltImage, BuildError> => {
    const [imageName] = spec.tags ?? []
    return {
      kind: "build_image",
      target: imageName === undefined ? {} : { imageName },
      steps: Stream.unwrapScoped(buildSteps(docker, auth, spec))
    }
  }
