import * as Effect from "effect/Effect"
import type { DockerShape } from "../../Docker.js"
import type { DockerFailure } from "../../DockerError.js"

/** Whether the engine supports API version `1.<minor>`. An engine that does not report its version counts as recent. */
export const hasApi = (docker: DockerShape, minor: number): Effect.Effect<boolean, DockerFailure> =>
  Effect.map(docker.json({ method: "GET", path: "/_ping" }), ({ headers }) => {
    const version = /^1\.(\d+)$/.exec(headers?.["api-version"] ?? "")
    return version === null || Number(version[1]) >= minor
  })
