import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
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
import { knownProjectName } from "../cli/projectName.js"
import { composeFailure, type ComposeError, type DeclaredService } from "../failure/composeFailure.js"
import { ComposeDecoder } from "../progress/composeDecoder.js"
import type { ComposeCall } from "./composeDoor.js"
import { declaredServices, projectNameIn } from "./projectConfig.js"

/** The command that runs compose. */
export interface ComposeCommand {
  readonly command: ReadonlyArray<string>
  readonly version: string
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
}

/** A project that commands can be run on. */
export interface PreparedProject {
  readonly house: ComposeHouse
  readonly located: LocatedProject
  readonly compose: ComposeCommand
  readonly environment: Readonly<Record<string, string>>
  readonly redactor: Redactor
  readonly name: string
}

/** How long compose may take to end when it is interrupted, before it is killed. It needs some milliseconds. */
const killAfter = "2500 millis"

/** The command line of a command on a project. */
export const commandLine = (
  { compose, environment, located }: Omit<PreparedProject, "name">,
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
  project: Omit<PreparedProject, "name">,
  args: ReadonlyArray<string>,
  allProfiles = false
): Effect.Effect<HostCommandResult> =>
  collectHostCommand(project.house.machine.run(commandLine(project, "plain", { args, allProfiles })))

/** The services that the files declare, for explanations. */
export const servicesOf = (project: Omit<PreparedProject, "name">): Effect.Effect<ReadonlyArray<DeclaredService>> =>
  Effect.map(quietly(project, ["config", "--format", "json"], true), ({ exitCode, stdout }) =>
    exitCode === 0 ? declaredServices(stdout) : []
  )

/** Why a command of which nothing was shown has failed. */
export const quietFailure = (
  project: Omit<PreparedProject, "name"> & { readonly name?: string },
  label: string,
  { detail, exitCode, stderr }: HostCommandResult
): Effect.Effect<ComposeError> => {
  const decoder = new ComposeDecoder(false, project.redactor)
  for (const line of stderr.split("\n")) decoder.push("stderr", line)
  return composeFailure({
    docker: project.house.docker,
    auth: project.house.auth,
    project: project.name ?? label,
    files: project.located.knownFiles,
    decoder,
    exitCode,
    end: detail,
    services: Effect.succeed([])
  })
}

const nameOf = (project: Omit<PreparedProject, "name">, label: string): Effect.Effect<string, ComposeError> =>
  Effect.gen(function* () {
    const known = yield* knownProjectName(project.located)
    if (known !== undefined) return known
    const result = yield* quietly(project, ["config", "--format", "json"])
    const name = result.exitCode === 0 ? projectNameIn(result.stdout) : undefined
    return name ?? (yield* Effect.flatMap(quietFailure(project, label, result), Effect.fail))
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
export const prepareProject = (
  house: ComposeHouse,
  project: ComposeProject,
  secrets: ReadonlyArray<Redacted.Redacted> = []
): Effect.Effect<PreparedProject, ComposeError, Scope.Scope> =>
  Effect.gen(function* () {
    const label = projectLabel(project)
    const located = yield* locateProject(project, house.environment)
    const compose = yield* Effect.mapError(house.found, (detail) => notInstalled(label, detail))
    const connection = yield* Effect.mapError(engineConnection(house.docker), (error) =>
      typeof error === "string" ? notWritten(label, error) : error
    )
    const environment = (credentials: Readonly<Record<string, string>>) =>
      composeEnvironment({
        process: process.env,
        own: house.environment,
        project: located,
        connection: { ...connection, ...credentials }
      })
    const credentials = yield* composeCredentials(house.auth, {
      base: environment({}),
      authVariable: process.env["DOCKER_AUTH_CONFIG"],
      readsVariable: isAtLeast(compose.version, 2, 38)
    }).pipe(Effect.mapError((detail) => notWritten(label, detail)))
    const unnamed = {
      house,
      located,
      compose,
      environment: environment(credentials),
      redactor: new Redactor([...located.secrets, ...secrets])
    }
    return { ...unnamed, name: yield* nameOf(unnamed, label) }
  })
