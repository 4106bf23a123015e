import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { OperationStep } from "../../../Operation.js"
import { bindCandidates } from "./bindCandidates.js"
import { readText } from "../readText.js"
import { declarationIn, type PreparedProject } from "./preparedProject.js"
import { type BindSource, projectDeclaration } from "./projectConfig.js"
import { quietly } from "./unnamedProject.js"

/**
 * Whether one of these paths is missing on the engine's host. The engine checks the mounts of a container before it looks for
 * its image, which does not exist: nothing is created.
 */
const isMissing = (docker: DockerShape, sources: ReadonlyArray<string>): Effect.Effect<boolean> =>
  docker
    .json({
      method: "POST",
      path: "/containers/create",
      body: {
        Image: "dockwire.invalid/no-image:none",
        HostConfig: {
          Mounts: sources.map((source, index) => ({ Type: "bind", Source: source, Target: `/mnt/${index}` }))
        }
      }
    })
    .pipe(
      Effect.as(false),
      Effect.catchAll((error) =>
        Effect.succeed(error._tag === "EngineError" && /source path does not exist/.test(error.detail))
      )
    )

/** Whether the files name no folder that is missing. To ask compose for the mounts takes as long as an `up`. */
const isNoneMissing = ({ environment, house, located }: PreparedProject): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    if (located.knownFiles.length === 0) return false
    const texts = yield* Effect.forEach(located.knownFiles, readText)
    const candidates = bindCandidates(
      texts.map((text) => text ?? ""),
      { directory: located.directory, home: environment["HOME"] }
    )
    return candidates !== undefined && (candidates.length === 0 || !(yield* isMissing(house.docker, candidates)))
  })

const warning = ({ isCreated, service, source }: BindSource): OperationStep<never> => {
  const effect = isCreated
    ? "Compose creates an empty folder there."
    : "Unless compose creates an empty folder there, which depends on its version, the container cannot be created."
  const what = `${JSON.stringify(source)}, which service "${service}" mounts, does not exist on the engine's host.`
  return { _tag: "Line", stream: "system", text: `WARNING: ${what} ${effect}` }
}

/** The folders that the services mount, or some services and those that they depend on, whatever their profile. */
const bindsOf = (project: PreparedProject, services: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<BindSource>> =>
  services.length === 0
    ? Effect.match(declarationIn(project), { onFailure: () => [], onSuccess: ({ binds }) => binds })
    : Effect.map(quietly(project, ["config", "--format", "json", "--", ...services]), ({ exitCode, stdout }) =>
        exitCode === 0 ? (projectDeclaration(stdout)?.binds ?? []) : []
      )

/**
 * A line for each folder that a service mounts and that is missing on the engine's host, where compose would silently create
 * it: of all services, or of some and those that they depend on. A file that cannot be read is for the command itself to report.
 */
export const bindWarnings = (
  project: PreparedProject,
  services: ReadonlyArray<string> = []
): Stream.Stream<OperationStep<never>> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (yield* isNoneMissing(project)) return Stream.empty
      const sources = yield* bindsOf(project, services)
      const missing = yield* Effect.filter(sources, ({ source }) => isMissing(project.house.docker, [source]), {
        concurrency: 4
      })
      return Stream.fromIterable(missing.map(warning))
    })
  )
