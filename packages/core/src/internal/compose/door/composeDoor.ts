import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import type { Redactor } from "../../build/output/redactor.js"
import type { ComposeProject } from "../cli/composeProject.js"
import type { ComposeError } from "../failure/composeFailure.js"
import type { ComposeVersion } from "../run/composeModels.js"
import type { KeptOutput } from "./keptOutput.js"
import type { ProjectDeclaration } from "./projectConfig.js"

/** The steps of a command. */
export type ComposeSteps<A> = Stream.Stream<OperationStep<A>, ComposeError>

/** A command to run on a project. */
export interface ComposeCall {
  readonly args: ReadonlyArray<string>
  readonly allProfiles?: boolean
  readonly environment?: Readonly<Record<string, string>>
  /** Whether the standard output is kept, and whether events show it too. */
  readonly keepsOutput?: "shown" | "hidden"
}

/** A project on an engine. */
export interface EngineProject {
  readonly docker: DockerShape
  readonly name: string
}

/** A project on which commands can be run. */
export interface OpenProject extends EngineProject {
  /** Runs a command. The steps end when it has succeeded. */
  readonly run: (call: ComposeCall, kept: KeptOutput) => ComposeSteps<never>
  /** Runs a command of which nothing is shown, such as one that prints the values of all variables. */
  readonly read: (args: ReadonlyArray<string>, allProfiles?: boolean) => Effect.Effect<string, ComposeError>
  /** What is to be said before the containers of the project are created, or those of some of its services. */
  readonly warnings: (services?: ReadonlyArray<string>) => ComposeSteps<never>
  /** Replaces the values of the project that must not appear anywhere. */
  readonly redactor: Redactor
}

/** What runs the commands of compose. */
export interface ComposeDoor {
  readonly docker: DockerShape
  /** Names the engine: commands on the same project of the same engine must not run at the same time. */
  readonly engine: string
  /**
   * Finds a project. What is needed to work on it is removed with the scope. With `byLabels`, a project of which only the name is
   * given needs no files.
   */
  readonly open: (
    project: ComposeProject,
    secrets?: ReadonlyArray<Redacted.Redacted>,
    byLabels?: boolean
  ) => Effect.Effect<OpenProject, ComposeError, Scope.Scope>
  /** The name of a project. */
  readonly nameOf: (project: ComposeProject) => Effect.Effect<string, ComposeError>
  /** What the files of a project declare. */
  readonly declaration: (project: ComposeProject) => Effect.Effect<ProjectDeclaration, ComposeError>
  readonly version: Effect.Effect<ComposeVersion, ComposeFailed>
}
