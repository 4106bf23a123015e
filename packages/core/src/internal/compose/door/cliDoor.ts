import * as Effect from "effect/Effect"
import type { DockerShape } from "../../../Docker.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { HostMachine } from "../../host/hostMachine.js"
import { baseEnvironment, ownEnvironment } from "../cli/composeEnvironment.js"
import { type ComposeProject, givenName, locateProject } from "../cli/composeProject.js"
import { askCommand, findCompose, rememberCompose } from "../cli/findCompose.js"
import { knownProjectName } from "../cli/projectName.js"
import type { ComposeError } from "../failure/composeFailure.js"
import type { ComposeOptions } from "../run/composeOptions.js"
import { bindWarnings } from "./bindWarnings.js"
import { runCli } from "./cliRun.js"
import type { ComposeDoor, OpenProject } from "./composeDoor.js"
import { declarationOf, type PreparedProject, prepareProject } from "./preparedProject.js"
import { RememberedDeclarations } from "./rememberedDeclarations.js"
import { type ComposeHouse, notInstalled, quietFailure, quietly } from "./unnamedProject.js"

const opened = (prepared: PreparedProject): OpenProject => ({
  docker: prepared.house.docker,
  name: prepared.name,
  run: (call, kept) => runCli(prepared, call, kept),
  read: (args, allProfiles) =>
    Effect.flatMap(quietly(prepared, args, allProfiles), (result) =>
      result.exitCode === 0
        ? Effect.succeed(result.stdout)
        : Effect.flatMap(quietFailure(prepared, result), Effect.fail)
    ),
  warnings: (services) => bindWarnings(prepared, services),
  redactor: prepared.redactor
})

/** The name of a project. Compose is asked only where its files do not tell. */
const nameOf = (house: ComposeHouse, project: ComposeProject): Effect.Effect<string, ComposeError> =>
  Effect.gen(function* () {
    const given = yield* givenName(project)
    if (given !== undefined) return given
    const known = yield* knownProjectName(yield* locateProject(project, house.environment))
    return known ?? (yield* declarationOf(house, project)).name
  })

/** The compose command of this machine. */
export const cliDoor = (
  docker: DockerShape,
  auth: RegistryAuthShape,
  options: ComposeOptions
): Effect.Effect<ComposeDoor> =>
  Effect.map(HostMachine, (machine) => {
    const environment = ownEnvironment(options.environment ?? {})
    const searchEnvironment = { ...baseEnvironment(process.env), ...environment }
    const { find, forget } = rememberCompose(
      options.command === undefined
        ? findCompose(machine, { environment: searchEnvironment })
        : askCommand(machine, { environment: searchEnvironment, inheritEnvironment: false }, options.command)
    )
    const found = Effect.flatMap(find, (answer) =>
      answer._tag === "Missing" ? Effect.fail(answer.detail) : Effect.succeed(answer)
    )
    const house: ComposeHouse = {
      docker,
      auth,
      machine,
      environment,
      found,
      forget,
      declarations: new RememberedDeclarations()
    }
    return {
      docker,
      engine: docker.endpoint,
      open: (project, secrets, byLabels) => Effect.map(prepareProject(house, project, secrets, byLabels), opened),
      nameOf: (project) => nameOf(house, project),
      declaration: (project) => declarationOf(house, project),
      version: Effect.mapBoth(found, {
        onFailure: (detail) => notInstalled("", detail),
        onSuccess: ({ command, version }) => ({ version, command })
      })
    }
  })
