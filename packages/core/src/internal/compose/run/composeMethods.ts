import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { traced } from "../../api/traced.js"
import { HostMachine } from "../../host/hostMachine.js"
import { baseEnvironment } from "../cli/composeEnvironment.js"
import { type ComposeProject, projectLabel } from "../cli/composeProject.js"
import { findCompose } from "../cli/findCompose.js"
import { bindWarnings } from "./bindWarnings.js"
import { decodeComposeConfig } from "./composeConfig.js"
import type { ComposeOutcome, ComposeOutput } from "./composeModels.js"
import { composeOperation, type ComposeTask, containersOf } from "./composeOperation.js"
import {
  buildArguments,
  type ComposeBuildOptions,
  type ComposeCommandOptions,
  type ComposeConfigOptions,
  type ComposeDownOptions,
  type ComposeOptions,
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
import {
  type ComposeCommand,
  type ComposeHouse,
  prepareProject,
  type PreparedProject,
  quietFailure,
  quietly
} from "./preparedProject.js"

const result = <A>(value: A): OperationStep<A> => ({ _tag: "Result", value })

const outcome = (project: PreparedProject) =>
  Stream.fromEffect(
    Effect.map(containersOf(project), (containers) => result<ComposeOutcome>({ project: project.name, containers }))
  ).pipe(
    Stream.flatMap((result) =>
      Stream.make({ _tag: "Progress", id: `project ${project.name}`, status: "Done", fraction: 1 } as const, result)
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

/** How many characters of the standard output are kept. */
const outputLimit = 16 * 1024 * 1024

const commandTask = (args: ReadonlyArray<string>, options: ComposeCommandOptions): ComposeTask<ComposeOutput> => {
  const verb = args.find((argument) => !argument.startsWith("-")) ?? "command"
  const lines: Array<string> = []
  let length = 0
  return {
    kind: `compose_${verb.replaceAll("-", "_")}`,
    args,
    allProfiles: options.allProfiles ?? false,
    busy: besides.has(verb) ? undefined : (options.busy ?? "wait"),
    onOutput: (line) => {
      if ((length += line.length + 1) <= outputLimit) lines.push(line)
      return !revealing.has(verb)
    },
    after: ({ name }) =>
      Stream.make(result<ComposeOutput>({ project: name, stdout: lines.join("\n"), isCut: length > outputLimit }))
  }
}

/** The method `config`. */
const configOf = (house: ComposeHouse) =>
  traced("Compose.config")((project: ComposeProject, options: ComposeConfigOptions = {}) =>
    Effect.scoped(
      Effect.gen(function* () {
        const prepared = yield* prepareProject(house, project)
        const result = yield* quietly(prepared, ["config", "--format", "json"], options.allProfiles)
        if (result.exitCode !== 0) {
          return yield* Effect.flatMap(quietFailure(prepared, projectLabel(project), result), Effect.fail)
        }
        return yield* Effect.mapError(
          decodeComposeConfig(result.stdout, options.showsValues ?? false),
          ({ message }) =>
            new ComposeFailed({
              reason: "Failed",
              project: prepared.name,
              lastLines: [],
              detail: `the output of "config" cannot be decoded: ${message}`
            })
        )
      })
    )
  )

/** The methods of `Compose`. */
export const composeMethods = (docker: DockerShape, auth: RegistryAuthShape, options: ComposeOptions) =>
  Effect.map(HostMachine, (machine) => {
    const environment = options.environment ?? {}
    let known: ComposeCommand | undefined
    const finding = Effect.unsafeMakeSemaphore(1)
    const found = finding.withPermits(1)(
      Effect.suspend(() =>
        known !== undefined
          ? Effect.succeed(known)
          : Effect.flatMap(
              findCompose(
                machine,
                {
                  environment: { ...baseEnvironment(process.env), ...environment },
                  inheritEnvironment: false
                },
                options.command === undefined ? undefined : [options.command]
              ),
              (answer) =>
                answer._tag === "Missing"
                  ? Effect.fail(answer.detail)
                  : Effect.sync(() => (known = { command: answer.command, version: answer.version }))
            )
      )
    )
    const forget = Effect.sync(() => {
      known = undefined
    })
    const house: ComposeHouse = { docker, auth, machine, environment, found, forget }
    const operation = <A>(project: ComposeProject, task: ComposeTask<A>) => composeOperation(house, project, task)

    const config = configOf(house)

    return {
      ...projectReads(house, config),
      up: (project: ComposeProject, options: ComposeUpOptions = {}) =>
        operation(project, {
          kind: "run_compose",
          args: upArguments(options),
          busy: options.busy ?? "wait",
          before: bindWarnings,
          ...(options.wait === undefined || options.wait === false
            ? {}
            : { watch: upWait(options.wait === true ? {} : options.wait) }),
          onFailure: halfMade,
          after: outcome
        }),
      down: (project: ComposeProject, options: ComposeDownOptions = {}) =>
        operation(project, {
          kind: "stop_compose",
          args: downArguments(options),
          allProfiles: options.allProfiles ?? true,
          busy: options.busy ?? "wait",
          after: outcome
        }),
      stop: (project: ComposeProject, options: ComposeStopOptions = {}) =>
        operation(project, {
          kind: "compose_stop",
          args: stopArguments("stop", options),
          busy: options.busy ?? "wait",
          after: outcome
        }),
      start: (project: ComposeProject, options: ComposeStartOptions = {}) =>
        operation(project, {
          kind: "compose_start",
          args: startArguments(options),
          busy: options.busy ?? "wait",
          after: outcome
        }),
      restart: (project: ComposeProject, options: ComposeStopOptions = {}) =>
        operation(project, {
          kind: "restart_compose",
          args: stopArguments("restart", options),
          busy: options.busy ?? "wait",
          after: outcome
        }),
      pull: (project: ComposeProject, options: ComposePullOptions = {}) =>
        operation(project, { kind: "pull_images", args: pullArguments(options), busy: undefined, after: outcome }),
      build: (project: ComposeProject, options: ComposeBuildOptions = {}) => {
        const args = Object.entries(options.buildArgs ?? {})
        return operation(project, {
          kind: "compose_build",
          args: buildArguments(options),
          environment: Object.fromEntries(
            args.map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value])
          ),
          secrets: args.flatMap(([, value]) => (Redacted.isRedacted(value) ? [value] : [])),
          busy: undefined,
          after: outcome
        })
      },
      command: (project: ComposeProject, args: ReadonlyArray<string>, options: ComposeCommandOptions = {}) =>
        operation(project, commandTask(args, options)),
      config,
      version: traced("Compose.version")(() =>
        Effect.mapError(
          found,
          (detail) => new ComposeFailed({ reason: "NotInstalled", project: "", lastLines: [], detail })
        )
      )
    }
  })
