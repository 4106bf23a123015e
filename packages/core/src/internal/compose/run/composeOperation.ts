import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ComposeFailed, type EngineUnavailable } from "../../../DockerError.js"
import type { Operation } from "../../../Operation.js"
import { type ComposeProject, projectLabel } from "../cli/composeProject.js"
import type { ComposeCall, ComposeDoor, ComposeSteps, EngineProject, OpenProject } from "../door/composeDoor.js"
import { KeptOutput } from "../door/keptOutput.js"
import { asComposeFailed } from "../failure/asComposeFailed.js"
import type { ComposeError } from "../failure/composeFailure.js"
import type { ComposeContainer } from "../project/containerModel.js"
import { listProjectContainers } from "../project/projectContainers.js"
import { describeLeft, projectLeft } from "../project/projectLeft.js"
import { oneAtATime } from "./projectLock.js"

/** A command of compose, and what belongs to it. */
export interface ComposeTask<A> extends ComposeCall {
  readonly kind: string
  /** Whether to wait for another operation on the project; `undefined` for what may run beside it. */
  readonly busy: "wait" | "refuse" | undefined
  /** Whether compose finds what belongs to a project by its labels, so that its name is enough. */
  readonly byLabels?: boolean
  /** Values that must not appear anywhere, besides those of the project. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted>
  /** Lines before the command runs. */
  readonly before?: (project: OpenProject) => ComposeSteps<never>
  /** Begins to watch the project before the command runs. Its steps follow when the command has succeeded. */
  readonly watch?: (project: OpenProject) => Effect.Effect<ComposeSteps<never>, ComposeError, Scope.Scope>
  /** What is done when the command has succeeded. */
  readonly after: (project: EngineProject, output: KeptOutput) => ComposeSteps<A>
  /** What is done when it has failed, before the operation fails. */
  readonly onFailure?: (project: EngineProject, error: ComposeError) => Effect.Effect<void>
}

/** The containers of a project, for a result. */
export const containersOf = ({
  docker,
  name
}: EngineProject): Effect.Effect<ReadonlyArray<ComposeContainer>, ComposeFailed | EngineUnavailable> =>
  listProjectContainers(docker, name).pipe(
    Effect.map((all) => all.flatMap(({ container }) => (container.oneOff ? [] : [container]))),
    asComposeFailed(name)
  )

const taskSteps = <A>(door: ComposeDoor, project: OpenProject, task: ComposeTask<A>): ComposeSteps<A> => {
  const kept = new KeptOutput()
  const run = Stream.tapError(project.run(task, kept), (error) => task.onFailure?.(project, error) ?? Effect.void)
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
  return task.busy === undefined ? whole : oneAtATime({ engine: door.engine, name: project.name }, task.busy, whole)
}

/** What a run that was interrupted has left behind. */
const leftOf = ({ docker, name }: EngineProject): Effect.Effect<string> =>
  Effect.match(projectLeft(docker, name), {
    onFailure: ({ message }) => `What is left of the project "${name}" is not known: ${message}`,
    onSuccess: (left) => `Project "${name}": ${describeLeft(left)}. "down" removes what is left.`
  })

/** The project, or why it is not to be touched: compose has a connection of its own to the engine. */
const openToChange = <A>({ docker, open }: ComposeDoor, project: ComposeProject, task: ComposeTask<A>) =>
  docker.onlyReads === undefined
    ? open(project, task.secrets, task.byLabels)
    : Effect.fail(
        new ComposeFailed({
          reason: "Failed",
          project: projectLabel(project),
          lastLines: [],
          detail: docker.onlyReads
        })
      )

/** An operation on a project. */
export const composeOperation = <A>(
  door: ComposeDoor,
  project: ComposeProject,
  task: ComposeTask<A>
): Operation<A, ComposeError> => {
  let name: string | undefined
  return {
    kind: task.kind,
    target: { configId: (typeof project === "string" ? undefined : project.configId) ?? projectLabel(project) },
    steps: Stream.unwrapScoped(
      Effect.map(openToChange(door, project, task), (opened) => {
        name = opened.name
        return taskSteps(door, opened, task)
      })
    ),
    leftBehind: Effect.suspend(() =>
      name === undefined ? Effect.succeed(undefined) : leftOf({ docker: door.docker, name })
    )
  }
}
