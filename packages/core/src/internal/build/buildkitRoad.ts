import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import type { DockerFailure } from "../../DockerError.js"
import type { RegistryAuthShape } from "../../RegistryAuth.js"
import { archivedDockerfileName, withDockerfile } from "./archivedDockerfile.js"
import { buildQuery } from "./buildQuery.js"
import type { BuildRoad } from "./buildRoad.js"
import type { BuildContext } from "./context/buildContext.js"
import { TraceDecoder } from "./output/traceDecoder.js"
import type { PreparedBuild } from "./preparedBuild.js"
import { openBuildSession } from "./session/buildSession.js"

/** The context: the session sends the files that BuildKit asks for; an archive is uploaded. */
const contextOf = (
  { spec }: PreparedBuild,
  context: BuildContext | undefined
): Pick<DockerRequest, "query" | "headers" | "upload"> => {
  if (context !== undefined || spec.context === undefined || typeof spec.context === "string") {
    return { query: { remote: "client-session", dockerfile: context?.dockerfileName } }
  }
  const { dockerfile } = spec
  const isText = typeof dockerfile === "object"
  return {
    query: { dockerfile: isText ? archivedDockerfileName : dockerfile },
    headers: { "Content-Type": "application/x-tar" },
    upload: isText ? withDockerfile(spec.context, dockerfile.text) : spec.context
  }
}

/** Opens a session with BuildKit. Returns `unsupported` if the engine has no BuildKit. `context` is that of a folder. */
export const openBuildkitRoad = (
  docker: DockerShape,
  build: PreparedBuild,
  context: BuildContext | undefined,
  credentials: RegistryAuthShape["find"]
): Effect.Effect<BuildRoad | "unsupported", DockerFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const session = yield* openBuildSession(docker, {
      ...(context === undefined ? {} : { context }),
      credentials,
      secrets: build.secrets,
      ssh: build.ssh
    })
    if (session === "unsupported") return session
    const { query, ...content } = contextOf(build, context)
    return {
      request: {
        ...content,
        method: "POST",
        path: "/build",
        query: { ...buildQuery(build), ...query, version: "2", session: session.id },
        timeout: Duration.infinity
      },
      decoder: (tracker) => new TraceDecoder(tracker),
      lost: session.lost,
      failure: session.failure
    }
  })
