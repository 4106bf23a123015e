import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { traced } from "../../api/traced.js"
import { type ComposeProject, projectLabel } from "../cli/composeProject.js"
import type { ComposeDoor } from "../door/composeDoor.js"
import { asComposeFailed, toComposeFailed } from "../failure/asComposeFailed.js"
import { type ComposeLogOptions, projectLogs } from "../logs/projectLogs.js"
import { listProjects } from "../project/listProjects.js"
import { listProjectContainers } from "../project/projectContainers.js"
import { projectEvents } from "../project/projectEvents.js"
import { projectStatus } from "../project/projectStatus.js"
import type { ComposeEventsOptions, ComposeStatusOptions } from "./composeOptions.js"

/** The methods of `Compose` that read from the engine. */
export const projectReads = ({ declaration, docker, nameOf }: ComposeDoor) => {
  const named = (project: ComposeProject) => asComposeFailed(projectLabel(project))(nameOf(project))
  const logsBatches = (project: ComposeProject, options: ComposeLogOptions = {}) =>
    Stream.unwrap(
      Effect.map(named(project), (name) =>
        Stream.mapError(projectLogs(docker, name, options), (error) =>
          error._tag === "InvalidRequest" ? error : toComposeFailed(name)(error)
        )
      )
    )
  return {
    ps: traced("Compose.ps")((project: ComposeProject) =>
      Effect.flatMap(named(project), (name) =>
        listProjectContainers(docker, name).pipe(
          Effect.map((all) => all.map(({ container }) => container)),
          asComposeFailed(name)
        )
      )
    ),
    status: traced("Compose.status")((project: ComposeProject, { expected = "files" }: ComposeStatusOptions = {}) =>
      Effect.gen(function* () {
        if (expected === "containers") return yield* projectStatus(docker, yield* nameOf(project))
        const { name, services } = yield* declaration(project)
        return yield* projectStatus(docker, name, services)
      }).pipe(asComposeFailed(projectLabel(project)))
    ),
    ls: traced("Compose.ls")(() => asComposeFailed("")(listProjects(docker))),
    events: (project: ComposeProject, options: ComposeEventsOptions = {}) =>
      Stream.unwrap(
        Effect.map(named(project), (name) =>
          Stream.mapError(projectEvents(docker, name, options), (error) =>
            error._tag === "InvalidRequest" ? error : toComposeFailed(name)(error)
          )
        )
      ),
    logs: (project: ComposeProject, options?: ComposeLogOptions) =>
      Stream.mapConcatChunk(logsBatches(project, options), Chunk.unsafeFromArray),
    logsBatches
  }
}
