import * as Effect from "effect/Effect"
import type { DockerShape } from "../../Docker.js"
import type { DockerFailure } from "../../DockerError.js"

/** Whether the engine's API is at least this one of 1.x. An engine that doesn't say its version is taken for a new one. */
export const hasApi = (docker: DockerShape, minor: number): Effect.Effect<boolean, DockerFailure> =>
  Effect.map(docker.json({ method: "GET", path: "/_ping" }), ({ headers }) => {
    const version = /^1\.(\d+)$/.exec(headers?.["api-version"] ?? "")
    return version === null || Number(version[1]) >= minor
  })
