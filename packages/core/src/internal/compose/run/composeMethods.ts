import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import { traced } from "../../api/traced.js"
import type { ComposeProject } from "../cli/composeProject.js"
import { plainValues, secretValues } from "../cli/secretValues.js"
import type { ComposeDoor, EngineProject } from "../door/composeDoor.js"
import { asComposeFailed } from "../failure/asComposeFailed.js"
import { withStopped } from "../project/inspectedContainer.js"
import { decodeComposeConfig } from "./composeConfig.js"
import type { ComposeOutcome, ComposeOutput } from "./composeModels.js"
import { composeOperation, type ComposeTask, containersOf } from "./composeOperation.js"
import {
  buildArguments,
  type ComposeBuildOptions,
  type ComposeBusyOptions,
  type ComposeCommandOptions,
  type ComposeConfigOptions,
  type ComposeDownOptions,
  type ComposePullOptions,
  type ComposeStartOptions,
  type ComposeStopOptions,
  type ComposeUpOptions,
  downArguments,
  pullArguments,
  startArguments,
  stopArguments,
  upArguments
} from "./composeOptions.js"
import { halfMade } from "./halfMade.js"
import { projectReads } from "./projectReads.js"
import { upWait } from "./upWait.js"

const result = <A>(value: A): OperationStep<A> => ({ _tag: "Result", value })

const outcomeWith = (project: EngineProject, containers: ReturnType<typeof containersOf>) =>
  Effect.map(containers, (containers) => result<ComposeOutcome>({ project: project.name, containers })).pipe(
    Stream.fromEffect,
    Stream.flatMap((result) =>
      Stream.make({ _tag: "Progress", id: `project ${project.name}`, status: "Done", fraction: 1 } as const, result)
    )
  )

const outcome = (project: EngineProject) => outcomeWith(project, containersOf(project))

/** What an operation that stops these services, or all, has left. */
const outcomeOfStop = (services: ReadonlyArray<string> | undefined) => (project: EngineProject) =>
  outcomeWith(
    project,
    containersOf(project).pipe(
      Effect.flatMap(
        Effect.forEach((container) =>
          services === undefined || services.includes(container.service)
            ? asComposeFailed(project.name)(withStopped(project.docker, container))
            : Effect.succeed(container)
        )
      ),
      Effect.map((containers) => containers.filter((container) => container !== undefined))
    )
  )

/** The commands that change nothing, or that may go on beside others. */
const besides = new Set([
  "config",
  "convert",
  "cp",
  "events",
  "exec",
  "images",
  "logs",
  "ls",
  "port",
  "ps",
  "push",
  "stats",
  "top",
  "version",
  "volumes",
  "wait",
  "attach",
  "alpha",
  "export",
  "run"
])

/** The commands whose standard output has the values of all variables. */
const revealing = new Set(["config", "convert"])

/** The options in front of a command that have a value. */
const valued = /^(?:-[fp]|--(?:file|project-name|profile|env-file|project-directory|workdir|parallel|progress|ansi))$/

/** The command among the arguments. */
const verbOf = (args: ReadonlyArray<string>): string => {
  let at = 0
  while (args[at]?.startsWith("-") === true) at += valued.test(args[at] ?? "") ? 2 : 1
  return args[at] ?? "command"
}

const commandTask = (args: ReadonlyArray<string>, options: ComposeCommandOptions): ComposeTask<ComposeOutput> => {
  const verb = verbOf(args)
  return {
    kind: `compose_${verb.replaceAll("-", "_")}`,
    args,
    allProfiles: options.allProfiles ?? false,
    busy: besides.has(verb) ? undefined : (options.busy ?? "wait"),
    keepsOutput: revealing.has(verb) ? "hidden" : "shown",
    after: ({ name }, { isCut, text }) => Stream.make(result<ComposeOutput>({ project: name, stdout: text, isCut }))
  }
}

/** The method `config`. */
const configOf = (door: ComposeDoor) =>
  traced("Compose.config")((project: ComposeProject, options: ComposeConfigOptions = {}) =>
    Effect.scoped(
      Effect.gen(function* () {
        const opened = yield* door.open(project)
        const text = yield* opened.read(["config", "--format", "json"], options.allProfiles)
        return yield* Effect.mapError(
          decodeComposeConfig(text, options.showsValues === true ? undefined : opened.redactor),
          ({ message }) =>
            new ComposeFailed({
              reason: "Failed",
              project: opened.name,
              lastLines: [],
              detail: `the output of "config" cannot be decoded: ${message}`
            })
        )
      })
    )
  )

/** The methods of `Compose`, with what runs its commands. */
export const composeMethods = (door: ComposeDoor) => {
  const operation = <A>(project: ComposeProject, task: ComposeTask<A>) => composeOperation(door, project, task)
  /** A command that no other may run beside on the same project. */
  const change = (
    project: ComposeProject,
    kind: string,
    args: ReadonlyArray<string>,
    { busy = "wait" }: ComposeBusyOptions,
    more: Partial<ComposeTask<ComposeOutcome>> = {}
  ) => operation(project, { kind, args, busy, after: outcome, ...more })

  return {
    ...projectReads(door),
    up: (project: ComposeProject, options: ComposeUpOptions = {}) =>
      change(project, "run_compose", upArguments(options), options, {
        before: ({ warnings }) => warnings(options.services),
        ...(options.wait === undefined || options.wait === false ? {} : { watch: upWait(options) }),
        onFailure: halfMade
      }),
    down: (project: ComposeProject, options: ComposeDownOptions = {}) =>
      change(project, "stop_compose", downArguments(options), options, {
        allProfiles: options.allProfiles ?? true,
        byLabels: true
      }),
    stop: (project: ComposeProject, options: ComposeStopOptions = {}) =>
      change(project, "compose_stop", stopArguments("stop", options), options, {
        after: outcomeOfStop(options.services),
        byLabels: true
      }),
    start: (project: ComposeProject, options: ComposeStartOptions = {}) =>
      change(project, "compose_start", startArguments(options), options, { byLabels: true }),
    restart: (project: ComposeProject, options: ComposeStopOptions = {}) =>
      change(project, "restart_compose", stopArguments("restart", options), options, { byLabels: true }),
    pull: (project: ComposeProject, options: ComposePullOptions = {}) =>
      operation(project, { kind: "pull_images", args: pullArguments(options), busy: undefined, after: outcome }),
    build: (project: ComposeProject, options: ComposeBuildOptions = {}) => {
      const { buildArgs = {} } = options
      return operation(project, {
        kind: "compose_build",
        args: buildArguments(options),
        environment: plainValues(buildArgs),
        secrets: secretValues(buildArgs),
        busy: undefined,
        after: outcome
      })
    },
    command: (project: ComposeProject, args: ReadonlyArray<string>, options: ComposeCommandOptions = {}) =>
      operation(project, commandTask(args, options)),
    config: configOf(door),
    version: traced("Compose.version")(() => door.version)
  }
}
