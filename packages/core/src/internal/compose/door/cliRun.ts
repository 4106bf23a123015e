import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { OperationStep } from "../../../Operation.js"
import type { HostCommandOutput } from "../../host/hostCommand.js"
import { composeFailure, type ComposeError } from "../failure/composeFailure.js"
import { ComposeDecoder } from "../progress/composeDecoder.js"
import { inspectProjectContainer } from "../project/inspectedContainer.js"
import type { ComposeCall, ComposeSteps } from "./composeDoor.js"
import type { KeptOutput } from "./keptOutput.js"
import type { PreparedProject } from "./preparedProject.js"
import { commandLine, declaredBy, notInstalled, printsJson, withoutCompose } from "./unnamedProject.js"

const stepsChunk = <A>(steps: ReadonlyArray<OperationStep<A>>): Chunk.Chunk<OperationStep<A>> =>
  Chunk.unsafeFromArray(steps)

const failureOf = (
  project: PreparedProject,
  decoder: ComposeDecoder,
  exit: Extract<HostCommandOutput, { readonly _tag: "Exit" }>
): Effect.Effect<ComposeError> =>
  Effect.gen(function* () {
    const none = yield* withoutCompose(project, decoder, exit)
    if (none !== undefined) return none
    return yield* composeFailure({
      docker: project.house.docker,
      auth: project.house.auth,
      project: project.name,
      files: project.located.knownFiles,
      decoder,
      exitCode: exit.exitCode,
      end: exit.detail,
      declared: declaredBy(project)
    })
  })

const note = (text: string): OperationStep<never> => ({ _tag: "Line", stream: "system", text })

/** Runs the command once. */
const attempt = (project: PreparedProject, call: ComposeCall, kept: KeptOutput, json: boolean): ComposeSteps<never> =>
  Stream.suspend(() => {
    kept.clear()
    const decoder = new ComposeDecoder(json, project.redactor, call.args[0])
    let exit: Extract<HostCommandOutput, { readonly _tag: "Exit" }> = { _tag: "Exit", detail: "did not end" }
    const stepsOf = (output: HostCommandOutput): ReadonlyArray<OperationStep<never>> => {
      if (output._tag === "Exit") {
        exit = output
        return decoder.end()
      }
      return kept.take(call, decoder, output)
    }
    return project.house.machine.run(commandLine(project, json ? "json" : "plain", call)).pipe(
      Stream.mapChunks((outputs) => stepsChunk(Chunk.toReadonlyArray(outputs).flatMap(stepsOf))),
      Stream.concat(
        Stream.suspend(() =>
          exit.exitCode === 0
            ? Stream.empty
            : Stream.concat(
                Stream.make(note(`${project.compose.name} ${exit.detail}`)),
                Stream.unwrap(Effect.map(failureOf(project, decoder, exit), Stream.fail))
              )
        )
      )
    )
  })

/** The name that another container has. */
const conflictingName = /container name "\/?([^"]+)" is already in use/

/** Whether it was a container of this very project that had the name: another program works on the project too. */
const isOwnConflict = (project: PreparedProject, error: ComposeError): Effect.Effect<boolean> => {
  const name =
    error._tag === "ComposeFailed" && error.reason === "NameConflict" ? conflictingName.exec(error.detail) : null
  if (name?.[1] === undefined) return Effect.succeed(false)
  return inspectProjectContainer(project.house.docker, encodeURIComponent(name[1])).pipe(
    Effect.map((found) => found?.labels.project === project.name),
    Effect.orElseSucceed(() => false)
  )
}

/** Runs the command, and once more where that helps. */
export const runCli = (project: PreparedProject, call: ComposeCall, kept: KeptOutput): ComposeSteps<never> => {
  const json = printsJson(project.compose)
  return Stream.catchAll(attempt(project, call, kept, json), (error) =>
    Stream.unwrap(
      Effect.gen(function* () {
        if (json && error._tag === "ComposeFailed" && error.detail.includes('unsupported --progress value "json"')) {
          return attempt(project, call, kept, false)
        }
        if (error._tag === "ComposeFailed" && error.reason === "NotInstalled") {
          const found = yield* Effect.mapError(project.house.found, (detail) => notInstalled(project.name, detail))
          return attempt({ ...project, compose: found }, call, kept, printsJson(found))
        }
        if (!(yield* isOwnConflict(project, error))) return Stream.fail(error)
        const text = "Another program has created a container of this project at the same time. Trying once more."
        return Stream.concat(Stream.make(note(text)), attempt(project, call, kept, json))
      })
    )
  )
}
