import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { HostCommandResult } from "../../host/hostCommand.js"
import { composeEnvironment } from "../cli/composeEnvironment.js"
import { type ComposeProject, type LocatedProject, locateProject, projectLabel } from "../cli/composeProject.js"
import { knownProjectName } from "../cli/projectName.js"
import { configInputs } from "./configInputs.js"
import { type ProjectDeclaration, projectDeclaration } from "./projectConfig.js"
import type { ComposeError } from "../failure/composeFailure.js"
import {
  type ComposeCommand,
  type ComposeHouse,
  notInstalled,
  type UnnamedProject,
  openUnnamed,
  quietFailure,
  quietly
} from "./unnamedProject.js"

/** A project that commands can be run on. */
export interface PreparedProject extends UnnamedProject {
  readonly name: string
}

const inputsOf = (house: ComposeHouse, compose: ComposeCommand, located: LocatedProject) =>
  configInputs(
    located,
    composeEnvironment({ process: process.env, own: house.environment, project: located, connection: {} }),
    [...compose.command, compose.version]
  )

/** Runs `config`. What it says is remembered if nothing has changed meanwhile. */
const askDeclaration = (
  project: UnnamedProject,
  inputs: string | undefined
): Effect.Effect<ProjectDeclaration, HostCommandResult> =>
  Effect.gen(function* () {
    const { compose, house, located } = project
    const result = yield* quietly(project, ["config", "--format", "json"])
    const declaration = result.exitCode === 0 ? projectDeclaration(result.stdout) : undefined
    if (declaration === undefined) return yield* Effect.fail(result)
    if (inputs !== undefined && inputs === (yield* inputsOf(house, compose, located))) {
      house.declarations.set(inputs, declaration)
    }
    return declaration
  })

/** What the files of a project declare. Compose reads them, unless it has told before, and nothing has changed since. */
export const declarationIn = (project: UnnamedProject): Effect.Effect<ProjectDeclaration, HostCommandResult> =>
  Effect.gen(function* () {
    const inputs = yield* inputsOf(project.house, project.compose, project.located)
    const known = inputs === undefined ? undefined : project.house.declarations.get(inputs)
    return known ?? (yield* askDeclaration(project, inputs))
  })

/** Like `declarationIn`, for a project that is not prepared: it is only if compose has to read the files. */
export const declarationOf = (
  house: ComposeHouse,
  project: ComposeProject
): Effect.Effect<ProjectDeclaration, ComposeError> =>
  Effect.gen(function* () {
    const located = yield* locateProject(project, house.environment)
    const compose = yield* Effect.mapError(house.found, (detail) => notInstalled(projectLabel(project), detail))
    const inputs = yield* inputsOf(house, compose, located)
    const known = inputs === undefined ? undefined : house.declarations.get(inputs)
    if (known !== undefined) return known
    const asked = Effect.flatMap(openUnnamed(house, project), (open) => orFailure(open, askDeclaration(open, inputs)))
    return yield* Effect.scoped(asked)
  })

/** With the failure of a command as an error. */
const orFailure = <A>(
  project: UnnamedProject,
  found: Effect.Effect<A, HostCommandResult>
): Effect.Effect<A, ComposeError> =>
  Effect.catchAll(found, (result) => Effect.flatMap(quietFailure(project, result), Effect.fail))

/** Finds a project, its name and the command. The files that the command needs are removed with the scope. */
export const prepareProject = (
  house: ComposeHouse,
  project: ComposeProject,
  secrets: ReadonlyArray<Redacted.Redacted> = [],
  byLabels = false
): Effect.Effect<PreparedProject, ComposeError, Scope.Scope> =>
  Effect.gen(function* () {
    const open = yield* openUnnamed(house, project, secrets, byLabels)
    const name = (yield* knownProjectName(open.located)) ?? (yield* orFailure(open, declarationIn(open))).name
    return { ...open, name }
  })
