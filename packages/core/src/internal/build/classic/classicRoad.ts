import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidRequest, type RegistryError } from "../../../DockerError.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { registryConfigHeader } from "../../registry/authHeader.js"
import { parseImageReference } from "../../registry/imageReference.js"
import { archivedDockerfileName, withDockerfile } from "../archivedDockerfile.js"
import { buildQuery, plainBuildArgs } from "../buildQuery.js"
import type { BuildRoad } from "../buildRoad.js"
import type { BuildContext } from "../context/buildContext.js"
import { contextTar } from "../context/contextTar.js"
import type { PreparedBuild } from "../preparedBuild.js"
import { ClassicDecoder } from "./classicDecoder.js"
import { dockerfileImages } from "./dockerfileImages.js"
import { spoolArchive } from "./spooledArchive.js"

/** The context as the classic builder gets it. */
interface ClassicContext {
  readonly archive: Stream.Stream<Uint8Array, InvalidRequest>
  /** The path of the Dockerfile in the archive. */
  readonly dockerfile: string
  /** The text of the Dockerfile, if it could be found. */
  readonly text: string | undefined
}

const needsBuildkit = (field: string, value: string) =>
  new InvalidRequest({
    field,
    value,
    detail: "this engine's builder supports neither secrets nor ssh agents. Build with an engine that has BuildKit"
  })

const contextOf = (
  { spec }: PreparedBuild,
  context: BuildContext | undefined
): Effect.Effect<ClassicContext, InvalidRequest, Scope.Scope> => {
  if (context !== undefined) {
    const { dockerfile, tar } = contextTar(context)
    return Effect.succeed({ archive: tar, dockerfile, text: new TextDecoder().decode(context.dockerfile.content) })
  }
  const archive = spec.context === undefined || typeof spec.context === "string" ? Stream.empty : spec.context
  if (typeof spec.dockerfile === "object") {
    const { text } = spec.dockerfile
    return Effect.succeed({ archive: withDockerfile(archive, text), dockerfile: archivedDockerfileName, text })
  }
  const dockerfile = spec.dockerfile ?? "Dockerfile"
  return Effect.gen(function* () {
    const { content, readText } = yield* spoolArchive(archive)
    return { archive: content, dockerfile, text: yield* readText(dockerfile) }
  })
}

/** The registries of the images that a Dockerfile can need. */
const registriesOf = (build: PreparedBuild, dockerfile: string): Effect.Effect<ReadonlySet<string>> => {
  const images = dockerfileImages(dockerfile, new Map(Object.entries(plainBuildArgs(build))), build.spec.target)
  // What is no reference is for the builder to refuse.
  return Effect.map(
    Effect.forEach(images, (image) => Effect.option(parseImageReference(image))),
    (references) => new Set(references.flatMap(Option.toArray).map(({ registry }) => registry))
  )
}

/**
 * The way to the classic builder, and to Podman: the whole context as an archive, and the credentials for those registries alone
 * from which the Dockerfile takes images.
 */
export const openClassicRoad = (
  build: PreparedBuild,
  context: BuildContext | undefined,
  credentials: RegistryAuthShape["find"]
): Effect.Effect<BuildRoad, InvalidRequest | RegistryError, Scope.Scope> =>
  Effect.gen(function* () {
    const [secret] = build.secrets.keys()
    if (secret !== undefined) return yield* needsBuildkit("secrets", secret)
    if (build.ssh.size > 0) return yield* needsBuildkit("ssh", String(build.spec.ssh))
    const { archive, dockerfile, text } = yield* contextOf(build, context)
    const registries = text === undefined ? [] : yield* registriesOf(build, text)
    const entries = yield* Effect.forEach(registries, (registry) =>
      Effect.map(credentials(registry), (found) => [registry, found] as const)
    )
    const failed = yield* Deferred.make<never, InvalidRequest>()
    return {
      request: {
        method: "POST",
        path: "/build",
        query: { ...buildQuery(build), dockerfile },
        headers: { "Content-Type": "application/x-tar", "X-Registry-Config": registryConfigHeader(entries) },
        // An upload cannot fail, so its failure ends the build from beside it.
        upload: Stream.catchAllCause(archive, (cause) =>
          Stream.execute(Effect.zipRight(Deferred.failCause(failed, cause), Effect.never))
        ),
        timeout: Duration.infinity
      },
      decoder: (tracker, now) => new ClassicDecoder(tracker, now),
      lost: Deferred.await(failed),
      failure: Effect.succeed(undefined)
    }
  })
