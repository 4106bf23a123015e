import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { OperationStep } from "../../../Operation.js"
import { readText } from "../readText.js"
import { type PreparedProject, quietly } from "./preparedProject.js"
import { type BindSource, bindSources } from "./projectConfig.js"

/** What a mount of a folder looks like in its short form; `include` and `extends` may lead to more of them. */
const mayBind = /[-[,]\s*["']?(?:\.|~|\/|\$)[^\n,\]]*:|\bcreate_host_path\b|\binclude["']?:|\bextends["']?:/

/** Whether it is worth the time to ask compose for the mounts. */
const mayHaveBinds = ({ located }: PreparedProject): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const texts = yield* Effect.forEach(located.knownFiles, readText)
    return texts.length === 0 || texts.some((text) => mayBind.test(text ?? ""))
  })

/**
 * Whether a path is missing on the engine's host. The engine checks the mounts of a container before it looks for its image,
 * which does not exist: nothing is created.
 */
const isMissing = (docker: DockerShape, source: string): Effect.Effect<boolean> =>
  docker
    .json({
      method: "POST",
      path: "/containers/create",
      body: {
        Image: "dockwire.invalid/no-image:none",
        HostConfig: { Mounts: [{ Type: "bind", Source: source, Target: "/mnt" }] }
      }
    })
    .pipe(
      Effect.as(false),
      Effect.catchAll((error) =>
        Effect.succeed(error._tag === "EngineError" && /source path does not exist/.test(error.detail))
      )
    )

const warning = ({ service, source }: BindSource): OperationStep<never> => ({
  _tag: "Line",
  stream: "system",
  text: `WARNING: ${JSON.stringify(source)}, which service "${service}" mounts, does not exist on the engine's host. Compose creates an empty folder there.`
})

/**
 * A line for each folder that a service mounts and that is missing on the engine's host, where compose would silently create
 * it. A file that cannot be read is for the command itself to report.
 */
export const bindWarnings = (project: PreparedProject): Stream.Stream<OperationStep<never>> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (!(yield* mayHaveBinds(project))) return Stream.empty
      const { exitCode, stdout } = yield* quietly(project, ["config", "--format", "json"])
      const sources = exitCode === 0 ? bindSources(stdout) : []
      const missing = yield* Effect.filter(sources, ({ source }) => isMissing(project.house.docker, source), {
        concurrency: 4
      })
      return Stream.fromIterable(missing.map(warning))
    })
  )
