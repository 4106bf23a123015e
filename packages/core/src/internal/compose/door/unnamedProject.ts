import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import type { DockerShape } from "../../../Docker.js"
import { ComposeFailed } from "../../../DockerError.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { Redactor } from "../../build/output/redactor.js"
import { collectHostCommand, type HostCommand, type HostCommandResult } from "../../host/hostCommand.js"
import type { HostMachineShape } from "../../host/hostMachine.js"
import { composeCredentials } from "../cli/composeCredentials.js"
import { composeEnvironment } from "../cli/composeEnvironment.js"
import {
  type ComposeProject,
  type LocatedProject,
  locateProject,
  projectArguments,
  projectLabel
} from "../cli/composeProject.js"
import { engineConnection } from "../cli/engineConnection.js"
import { isAtLeast } from "../cli/findCompose.js"
import { composeFailure, type ComposeError, type DeclaredServices, wordsOf } from "../failure/composeFailure.js"
import { isPluginMissing } from "../failure/failureTexts.js"
import { ComposeDecoder } from "../progress/composeDecoder.js"
import type { ComposeCall } from "./composeDoor.js"
import { declaredServices } from "./projectConfig.js"
import type { RememberedDeclarations } from "./rememberedDeclarations.js"

/** The command that runs compose. */
export interface ComposeCommand {
  readonly command: ReadonlyArray<string>
  readonly version: string
  /** What to call it in messages. */
  readonly name: string
}

/** What all operations have in common. */
export interface ComposeHouse {
  readonly docker: DockerShape
  readonly auth: RegistryAuthShape
  readonly machine: HostMachineShape
  /** Finds compose, once. Fails with what was tried. */
  readonly found: Effect.Effect<ComposeCommand, string>
  /** Forgets it, after it could not be started. */
  readonly forget: Effect.Effect<void>
  /** Over the environment of this process. */
  readonly environment: Readonly<Record<string, string>>
  readonly declarations: RememberedDeclarations
}

/** A project that commands can be run on, before its name is known. */
export interface UnnamedProject {
  readonly house: ComposeHouse
  /** What to call it as long as it has no name. */
  readonly label: string
  readonly located: LocatedProject
  readonly compose: ComposeCommand
  readonly environment: Readonly<Record<string, string>>
  readonly redactor: Redactor
}

/** How long compose may take to end when it is interrupted, before it is killed. It needs some milliseconds. */
const killAfter = "2500 millis"

/** The command line of a command on a project. */
export const commandLine = (
  { compose, environment, located }: UnnamedProject,
  progress: "json" | "plain",
  call: ComposeCall
): HostCommand => {
  const [program = "", ...rest] = compose.command
  return {
    program,
    args: [...rest, "--progress", progress, ...projectArguments(located, call.allProfiles), ...call.args],
    environment: { ...environment, ...call.environment },
    inheritEnvironment: false,
    directory: located.directory,
    killAfter
  }
}

/** Whether this version prints progress as JSON. */
export const printsJson = ({ version }: ComposeCommand): boolean => isAtLeast(version, 2, 29)

/** Runs a command whose output is not for others, such as the configuration with all its values. */
export const quietly = (
  project: UnnamedProject,
  args: ReadonlyArray<string>,
  allProfiles = false
): Effect.Effect<HostCommandResult> =>
  collectHostCommand(project.house.machine.run(commandLine(project, "plain", { args, allProfiles })))

const decoderOf = ({ redactor }: UnnamedProject, { stderr }: HostCommandResult): ComposeDecoder => {
  const decoder = new ComposeDecoder(false, redactor)
  for (const line of stderr.split("\n")) decoder.push("stderr", line)
  return decoder
}

/** What the files declare, for explanations. */
export const declaredBy = (project: UnnamedProject): Effect.Effect<DeclaredServices> =>
  Effect.map(quietly(project, ["config", "--format", "json"], true), (result) =>
    result.exitCode === 0
      ? { services: declaredServices(result.stdout), problem: undefined }
      : { services: [], problem: wordsOf({ decoder: decoderOf(project, result), end: result.detail }) }
  )

/** Whether a command was not started. */
const isNotStarted = ({ detail, exitCode }: HowItEnded): boolean =>
  exitCode === undefined && detail.startsWith("could not be started")

/** Why the command was not started: it is not there any more, nor is the folder of the project, or it was given too much. */
const startFailure = (
  { compose, located }: UnnamedProject,
  label: string,
  detail: string
): Effect.Effect<ComposeFailed> =>
  Effect.gen(function* () {
    const { directory } = located
    const problem = yield* Effect.promise(() =>
      access(directory, constants.X_OK).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error))
      )
    )
    const of = { project: label, lastLines: [] }
    if (problem !== undefined)
      return new ComposeFailed({ reason: "FileNotFound", ...of, file: directory, detail: problem })
    const text = `"${compose.name}" ${detail}`
    return /\b(?:ENOENT|EACCES|ENOTDIR|ENOEXEC)\b/.test(detail)
      ? notInstalled(label, text)
      : new ComposeFailed({ reason: "Failed", ...of, detail: text })
  })

/** How a command ended. */
type HowItEnded = Pick<HostCommandResult, "detail"> & { readonly exitCode?: number | undefined }

/** Why a command failed, if it was not compose that failed: it is forgotten, as it is not there any more. */
export const withoutCompose = (
  project: UnnamedProject & { readonly name?: string },
  decoder: ComposeDecoder,
  end: HowItEnded
): Effect.Effect<ComposeFailed | undefined> => {
  const label = project.name ?? project.label
  const { compose, house } = project
  if (isNotStarted(end)) return Effect.zipRight(house.forget, startFailure(project, label, end.detail))
  if (!isPluginMissing(wordsOf({ decoder, end: end.detail }))) return Effect.succeed(undefined)
  const detail = `"${compose.name}" failed: docker has no such command any more`
  return Effect.as(house.forget, notInstalled(label, detail))
}

/** Why a command of which nothing was shown has failed. */
export const quietFailure = (
  project: UnnamedProject & { readonly name?: string },
  result: HostCommandResult
): Effect.Effect<ComposeError> =>
  Effect.gen(function* () {
    const { detail, exitCode } = result
    const decoder = decoderOf(project, result)
    const none = yield* withoutCompose(project, decoder, result)
    if (none !== undefined) return none
    // It was the reading of the files that failed, unless the command was killed.
    const isOfFiles = exitCode !== undefined && exitCode < 120
    return yield* composeFailure({
      docker: project.house.docker,
      auth: project.house.auth,
      project: project.name ?? project.label,
      files: project.located.knownFiles,
      decoder,
      exitCode,
      end: detail,
      declared: Effect.succeed({ services: [], problem: isOfFiles ? wordsOf({ decoder, end: detail }) : undefined })
    })
  })

/** The error of compose that is not there. */
export const notInstalled = (project: string, detail: string): ComposeFailed =>
  new ComposeFailed({ reason: "NotInstalled", project, lastLines: [], detail })

const notWritten = (project: string, detail: string): ComposeFailed =>
  new ComposeFailed({
    reason: "Failed",
    project,
    lastLines: [],
    detail: `the files that compose needs to connect cannot be written: ${detail}`
  })

/** Finds a project and the command, and builds the environment. The files that it needs are removed with the scope. */
export const openUnnamed = (
  house: ComposeHouse,
  project: ComposeProject,
  secrets: ReadonlyArray<Redacted.Redacted> = [],
  byLabels = false
): Effect.Effect<UnnamedProject, ComposeError, Scope.Scope> =>
  Effect.gen(function* () {
    const label = projectLabel(project)
    const located = yield* locateProject(project, house.environment, byLabels)
    const compose = yield* Effect.mapError(house.found, (detail) => notInstalled(label, detail))
    const connection = yield* Effect.mapError(engineConnection(house.docker), (error) =>
      typeof error === "string" ? notWritten(label, error) : error
    )
    const base = composeEnvironment({ process: process.env, own: house.environment, project: located, connection })
    const credentials = yield* composeCredentials(house.auth, {
      base,
      authVariable: process.env["DOCKER_AUTH_CONFIG"],
      readsVariable: isAtLeast(compose.version, 2, 38)
    }).pipe(Effect.mapError((detail) => notWritten(label, detail)))
    return {
      house,
      label,
      located,
      compose,
      environment: { ...base, ...credentials },
      redactor: new Redactor([...located.secrets, ...secrets])
    }
  })
