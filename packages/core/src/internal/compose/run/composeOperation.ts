import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ComposeFailed, EngineUnavailable } from "../../../DockerError.js"
import type { Operation, OperationStep } from "../../../Operation.js"
import type { HostCommandOutput } from "../../host/hostCommand.js"
import { type ComposeProject, projectLabel } from "../cli/composeProject.js"
import { asComposeFailed } from "../failure/asComposeFailed.js"
import { composeFailure, type ComposeError } from "../failure/composeFailure.js"
import { ComposeDecoder } from "../progress/composeDecoder.js"
import { inspectProjectContainer } from "../project/inspectedContainer.js"
import { type ComposeContainer, listProjectContainers } from "../project/projectContainers.js"
import { describeLeft, projectLeft } from "../project/projectLeft.js"
import {
  composeCall,
  type ComposeHouse,
  notInstalled,
  type PreparedProject,
  prepareProject,
  printsJson,
  servicesOf
} from "./preparedProject.js"
import { oneAtATime } from "./projectLock.js"

export type ComposeSteps<A> = Stream.Stream<OperationStep<A>, ComposeError>

/** How many characters of the standard output are kept. */
const outputLimit = 16 * 1024 * 1024

/** What a command has printed to its standard output. */
class KeptOutput {
  readonly #lines: Array<string> = []
  #length = 0

  push(line: string): void {
    this.#length += line.length + 1
    if (!this.isCut) this.#lines.push(line)
  }

  /** Whether it was longer than what is kept. */
  get isCut(): boolean {
    return this.#length > outputLimit
  }

  get text(): string {
    return this.#lines.join("\n")
  }
}

/** A command of compose, and what belongs to it. */
export interface ComposeTask<A> {
  readonly kind: string
  readonly args: ReadonlyArray<string>
  readonly allProfiles?: boolean
  /** Whether to wait for another operation on the project; `undefined` for what may run beside it. */
  readonly busy: "wait" | "refuse" | undefined
  readonly environment?: Readonly<Record<string, string>>
  /** Values that must not appear anywhere, besides those of the project. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted>
  /** Lines before the command runs. */
  readonly before?: (project: PreparedProject) => ComposeSteps<never>
  /** Begins to watch the project before the command runs. Its steps follow when the command has succeeded. */
  readonly watch?: (project: PreparedProject) => Effect.Effect<ComposeSteps<never>, ComposeError, Scope.Scope>
  /** Whether the standard output of the command is kept for `after`, and whether events show it too. */
  readonly keepsOutput?: "shown" | "hidden"
  /** What is done when the command has succeeded. */
  readonly after: (project: PreparedProject, output: KeptOutput) => ComposeSteps<A>
  /** What is done when it has failed, before the operation fails. */
  readonly onFailure?: (project: PreparedProject, error: ComposeError) => Effect.Effect<void>
}

const stepsChunk = <A>(steps: ReadonlyArray<OperationStep<A>>): Chunk.Chunk<OperationStep<A>> =>
  Chunk.unsafeFromArray(steps)

/** The containers of a project, for a result. */
export const containersOf = ({
  house,
  name
}: PreparedProject): Effect.Effect<ReadonlyArray<ComposeContainer>, ComposeFailed | EngineUnavailable> =>
  listProjectContainers(house.docker, name).pipe(
    Effect.map((all) => all.flatMap(({ container }) => (container.oneOff ? [] : [container]))),
    asComposeFailed(name)
  )

const failureOf = (
  project: PreparedProject,
  decoder: ComposeDecoder,
  exit: Extract<HostCommandOutput, { readonly _tag: "Exit" }>
): Effect.Effect<ComposeError> =>
  exit.exitCode === undefined && exit.detail.startsWith("could not be started")
    ? Effect.as(project.house.forget, notInstalled(project.name, `${project.compose.command.join(" ")} ${exit.detail}`))
    : composeFailure({
        docker: project.house.docker,
        auth: project.house.auth,
        project: project.name,
        files: project.located.knownFiles,
        decoder,
        exitCode: exit.exitCode,
        end: exit.detail,
        services: servicesOf(project)
      })

/** Runs the command once. */
const attempt = (
  project: PreparedProject,
  task: ComposeTask<unknown>,
  kept: KeptOutput,
  json: boolean
): ComposeSteps<never> =>
  Stream.suspend(() => {
    const decoder = new ComposeDecoder(json, project.redactor)
    let exit: Extract<HostCommandOutput, { readonly _tag: "Exit" }> = { _tag: "Exit", detail: "did not end" }
    const stepsOf = (output: HostCommandOutput): ReadonlyArray<OperationStep<never>> => {
      if (output._tag === "Exit") {
        exit = output
        return decoder.end()
      }
      if (output.stream === "stdout" && task.keepsOutput !== undefined) {
        kept.push(output.text)
        if (task.keepsOutput === "hidden") return []
      }
      return decoder.push(output.stream, output.text)
    }
    const call = composeCall(project, {
      progress: json ? "json" : "plain",
      args: task.args,
      ...(task.allProfiles === undefined ? {} : { allProfiles: task.allProfiles }),
      ...(task.environment === undefined ? {} : { environment: task.environment })
    })
    return project.house.machine.run(call).pipe(
      Stream.mapChunks((outputs) => stepsChunk(Chunk.toReadonlyArray(outputs).flatMap(stepsOf))),
      Stream.concat(
        Stream.suspend(() =>
          exit.exitCode === 0 ? Stream.empty : Stream.unwrap(Effect.map(failureOf(project, decoder, exit), Stream.fail))
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

const note = (text: string): OperationStep<never> => ({ _tag: "Line", stream: "system", text })

/** Runs the command, and once more where that helps. */
const attempts = (project: PreparedProject, task: ComposeTask<unknown>, kept: KeptOutput): ComposeSteps<never> => {
  const json = printsJson(project.compose)
  return Stream.catchAll(attempt(project, task, kept, json), (error) =>
    Stream.unwrap(
      Effect.gen(function* () {
        if (json && error._tag === "ComposeFailed" && error.detail.includes('unsupported --progress value "json"')) {
          return attempt(project, task, kept, false)
        }
        if (!(yield* isOwnConflict(project, error))) return Stream.fail(error)
        const text = "Another program has created a container of this project at the same time. Trying once more."
        return Stream.concat(Stream.make(note(text)), attempt(project, task, kept, json))
      })
    )
  )
}

const taskSteps = <A>(project: PreparedProject, task: ComposeTask<A>): ComposeSteps<A> => {
  const kept = new KeptOutput()
  const run = attempts(project, task, kept).pipe(
    Stream.tapError((error) => task.onFailure?.(project, error) ?? Effect.void)
  )
  const watching = task.watch?.(project) ?? Effect.succeed(Stream.empty)
  const whole = Stream.unwrapScoped(
    Effect.map(watching, (watched) =>
      (task.before?.(project) ?? Stream.empty).pipe(
        Stream.concat(run),
        Stream.concat(watched),
        Stream.concat(Stream.suspend(() => task.after(project, kept)))
      )
    )
  )
  return task.busy === undefined
    ? whole
    : oneAtATime({ endpoint: project.house.docker.endpoint, name: project.name }, task.busy, whole)
}

/** What a run that was interrupted has left behind. */
const leftOf = (house: ComposeHouse, name: string): Effect.Effect<string> =>
  Effect.match(projectLeft(house.docker, name), {
    onFailure: ({ message }) => `What is left of the project "${name}" is not known: ${message}`,
    onSuccess: (left) => `Project "${name}": ${describeLeft(left)}. "down" removes what is left.`
  })

/** An operation on a project. */
export const composeOperation = <A>(
  house: ComposeHouse,
  project: ComposeProject,
  task: ComposeTask<A>
): Operation<A, ComposeError> => {
  let name: string | undefined
  return {
    kind: task.kind,
    target: { configId: (typeof project === "string" ? undefined : project.configId) ?? projectLabel(project) },
    steps: Stream.unwrapScoped(
      Effect.map(prepareProject(house, project, task.secrets), (prepared) => {
        name = prepared.name
        return taskSteps(prepared, task)
      })
    ),
    leftBehind: Effect.suspend(() => (name === undefined ? Effect.succeed(undefined) : leftOf(house, name)))
  }
}
