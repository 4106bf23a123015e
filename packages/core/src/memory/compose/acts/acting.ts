import * as Effect from "effect/Effect"
import * as Duration from "effect/Duration"
import type { ContainersShape } from "../../../Containers.js"
import type { DockerShape } from "../../../Docker.js"
import {
  ComposeFailed,
  type ContainerNotFound,
  type ContainerStateConflict,
  type DockerFailure,
  type ExecFailed,
  type InvalidRequest,
  type NameConflict,
  type NetworkNotFound,
  type ResourceInUse,
  type VolumeNotFound
} from "../../../DockerError.js"
import type { ExecShape } from "../../../Exec.js"
import type { ImagesShape } from "../../../Images.js"
import type { NetworksShape } from "../../../Networks.js"
import type { VolumesShape } from "../../../Volumes.js"
import { listProjectContainers } from "../../../internal/compose/project/projectContainers.js"
import type { ComposeContainer } from "../../../internal/compose/project/containerModel.js"
import type { CommandLine } from "../commandLine.js"
import { type ComposeCommandError, ComposeStep } from "../composeStep.js"
import type { ResolvedProject, ResolvedService } from "../resolvedProject.js"

/** What the commands work with. */
export interface EngineHands {
  readonly docker: DockerShape
  readonly containers: ContainersShape
  readonly images: ImagesShape
  readonly networks: NetworksShape
  readonly volumes: VolumesShape
  readonly exec: ExecShape
  /** Lets the health check of a container pass after a while, unless the container has ended by then. */
  readonly passLater: (container: string, millis: number) => Effect.Effect<void>
}

/** A command that works on the engine. */
export interface Acting {
  readonly hands: EngineHands
  readonly project: ResolvedProject
  readonly command: CommandLine
  readonly allProfiles: boolean
  readonly profiles: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly tell: (step: ComposeStep) => Effect.Effect<void>
}

/** What a command does. */
export type Act = (acting: Acting) => Effect.Effect<void, ComposeCommandError>

/** A failure of the project. */
export const failed = (
  { project }: Pick<Acting, "project">,
  reason: ComposeFailed["reason"],
  detail: string,
  more: { readonly service?: string; readonly exitCode?: number } = {}
): ComposeFailed => new ComposeFailed({ reason, project: project.name, lastLines: [], detail, ...more })

/** What the services of the engine fail with. */
export type EngineErrors =
  | ComposeCommandError
  | ContainerNotFound
  | ContainerStateConflict
  | DockerFailure
  | ExecFailed
  | InvalidRequest
  | NameConflict
  | NetworkNotFound
  | ResourceInUse
  | VolumeNotFound

/** What else the engine says is a failure of the project. */
export const ofProject =
  (acting: Acting, service?: string) =>
  <A>(effect: Effect.Effect<A, EngineErrors>): Effect.Effect<A, ComposeCommandError> =>
    Effect.mapError(effect, (error) => {
      switch (error._tag) {
        case "ComposeFailed":
        case "EngineUnavailable":
        case "ImageNotFound":
        case "PortAllocated":
        case "RegistryError":
          return error
        case "NameConflict":
          return failed(acting, "NameConflict", error.detail, service === undefined ? {} : { service })
        default:
          return failed(acting, "Failed", error.message, service === undefined ? {} : { service })
      }
    })

/** Whether a service takes part: without a profile, or with one that is active. */
export const takesPart = (
  { allProfiles, profiles }: Pick<Acting, "allProfiles" | "profiles">,
  service: ResolvedService
) =>
  allProfiles ||
  service.profiles.length === 0 ||
  service.profiles.some((profile) => profiles.includes(profile) || profiles.includes("*"))

/** The services that the command names, or all that take part, in the order in which they are started. */
export const namedServices = (
  acting: Acting,
  names: ReadonlyArray<string> = acting.command.words
): Effect.Effect<ReadonlyArray<ResolvedService>, ComposeFailed> => {
  const { services } = acting.project
  const unknown = names.find((name) => !services.some((service) => service.name === name))
  if (unknown !== undefined) {
    return Effect.fail(failed(acting, "ServiceNotFound", `no such service: ${unknown}`, { service: unknown }))
  }
  return Effect.succeed(
    names.length === 0
      ? services.filter((service) => takesPart(acting, service))
      : services.filter(({ name }) => names.includes(name))
  )
}

/** The services, and all that they depend on. */
export const withDependencies = (
  { project }: Acting,
  chosen: ReadonlyArray<ResolvedService>
): ReadonlyArray<ResolvedService> => {
  const names = new Set(chosen.map(({ name }) => name))
  // Those that others depend on come before them.
  for (const { dependsOn, name } of project.services.toReversed()) {
    if (names.has(name)) for (const [dependency] of dependsOn) names.add(dependency)
  }
  return project.services.filter(({ name }) => names.has(name))
}

/** The containers of the project, without those of `compose run`. */
export const containersOfProject = (
  acting: Acting
): Effect.Effect<ReadonlyArray<ComposeContainer>, ComposeCommandError> =>
  ofProject(acting)(
    Effect.map(listProjectContainers(acting.hands.docker, acting.project.name), (all) =>
      all.flatMap(({ container }) => (container.oneOff ? [] : [container]))
    )
  )

/** The containers of services, in the order of the services. */
export const containersOfServices = (acting: Acting, services: ReadonlyArray<ResolvedService>) =>
  Effect.map(containersOfProject(acting), (all) =>
    services.flatMap(({ name }) => all.filter(({ service }) => service === name))
  )

/** Tells the state of a container. */
export const tellContainer = ({ tell }: Acting, name: string, status: string, detail?: string): Effect.Effect<void> =>
  tell(ComposeStep.progress("container", name, status, detail === undefined ? {} : { detail }))

/** The last value of an option. */
export const valueOf = ({ command }: Acting, name: string): string | undefined => command.values.get(name)?.at(-1)

/** The value of `--timeout`, for what stops containers. */
export const stopOptions = (acting: Acting): { readonly timeout?: Duration.Duration } => {
  const seconds = Number(valueOf(acting, "--timeout") ?? "")
  return valueOf(acting, "--timeout") === undefined || Number.isNaN(seconds)
    ? {}
    : { timeout: Duration.seconds(seconds) }
}
