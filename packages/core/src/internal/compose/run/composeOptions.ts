import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"

/**
 * Options of every operation that changes a project.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeBusyOptions {
  /**
   * What to do while another operation of this process changes the same project of the same engine: wait for it, or fail with
   * a `ComposeFailed` of reason `Busy`. Default `wait`.
   */
  readonly busy?: "wait" | "refuse"
}

/**
 * How `up` waits for the services of a project.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeWaitOptions {
  /** How long to wait after the containers have been started. Default: 5 minutes. */
  readonly timeout?: Duration.DurationInput
  /** How long a container without a health check has to run. Default: 2 seconds. */
  readonly settle?: Duration.DurationInput
  /** How often the engine may restart a container that ends. Default: 0, so that a crash fails the operation at once. */
  readonly restarts?: number
}

/**
 * Options of `status`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeStatusOptions {
  /**
   * Which services should be up: those that the files declare for the active profiles, which compose reads when they have
   * changed; or those that have containers, which takes the engine only, and does not tell of a service without any. Default
   * `files`.
   */
  readonly expected?: "files" | "containers"
}

/**
 * Options of `events`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeEventsOptions {
  /** Includes past events from this time on that the engine still has: at most 256, and none from before its last restart. */
  readonly since?: string | Date
  /** Ends the stream at this time. */
  readonly until?: string | Date
}

/**
 * Options of `up`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeUpOptions extends ComposeBusyOptions {
  /** Only these services, and those that they depend on. */
  readonly services?: ReadonlyArray<string>
  /**
   * Waits until each of the services that it starts is healthy, or has run for a while if it has no health check, or has ended
   * with 0. Default `false`: `up` ends when the containers have been started.
   */
  readonly wait?: boolean | ComposeWaitOptions
  /** Builds images even if they are there. Default `false`. */
  readonly build?: boolean
  /** When images are pulled. Default: what the files say, else `missing`. */
  readonly pull?: "always" | "missing" | "never"
  /** The number of containers by service. */
  readonly scale?: Readonly<Record<string, number>>
  /** Removes containers of services that are no longer in the files. Default `false`. */
  readonly removeOrphans?: boolean
  /** Which containers are recreated. Default: those whose service or image has changed. */
  readonly recreate?: "changed" | "always" | "never"
  /** How long containers that are recreated may take to stop, before they are killed; whole seconds. */
  readonly stopTimeout?: Duration.DurationInput
}

/**
 * Options of `down`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeDownOptions extends ComposeBusyOptions {
  /** Removes the named volumes of the files, and the anonymous ones of the containers. Default `false`. */
  readonly volumes?: boolean
  /** Removes the images of the services: all, or those without a name of their own. Default: none. */
  readonly images?: "all" | "local"
  /** Removes containers of services that are no longer in the files. Default `true`. */
  readonly removeOrphans?: boolean
  /** Removes the services of all profiles, rather than of those that are active. Default `true`. */
  readonly allProfiles?: boolean
  /** How long containers may take to stop, before they are killed; whole seconds. */
  readonly stopTimeout?: Duration.DurationInput
}

/**
 * Options of `stop` and `restart`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeStopOptions extends ComposeBusyOptions {
  readonly services?: ReadonlyArray<string>
  /** How long containers may take to stop, before they are killed; whole seconds. */
  readonly stopTimeout?: Duration.DurationInput
}

/**
 * Options of `start`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeStartOptions extends ComposeBusyOptions {
  readonly services?: ReadonlyArray<string>
}

/**
 * Options of `pull`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposePullOptions {
  readonly services?: ReadonlyArray<string>
  /** Pulls what it can, and does not fail. Default `false`. */
  readonly ignoreFailures?: boolean
  /** Pulls the images of the services that these depend on as well. Default `false`. */
  readonly dependencies?: boolean
}

/**
 * Options of `build`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeBuildOptions {
  readonly services?: ReadonlyArray<string>
  /** Does not use the build cache. Default `false`. */
  readonly noCache?: boolean
  /** Pulls newer base images. Default `false`. */
  readonly pull?: boolean
  /** Build arguments, over those of the files. Values that are `Redacted` appear in no event, but in the image's history. */
  readonly buildArgs?: Readonly<Record<string, string | Redacted.Redacted>>
}

/**
 * Options of `command`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeCommandOptions extends ComposeBusyOptions {
  /** Whether the services of all profiles take part. Default `false`. */
  readonly allProfiles?: boolean
}

/**
 * Options of `config`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeConfigOptions {
  /** Whether to show the values of variables, which may be secret. Default `false`. */
  readonly showsValues?: boolean
  /** Whether the services of all profiles are included. Default `false`. */
  readonly allProfiles?: boolean
}

/**
 * Options of `Compose.layerWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ComposeOptions {
  /**
   * The command to run, such as `["/opt/docker-compose"]`. Default: the plugin `docker-compose` from where the docker command would
   * take it, else `docker compose`, else `docker-compose`.
   */
  readonly command?: ReadonlyArray<string>
  /** Variables for the command, over those that it gets of this process. Every project may see them. */
  readonly environment?: Readonly<Record<string, string>>
}

const flag = (name: string, isSet: boolean | undefined): ReadonlyArray<string> => (isSet === true ? [name] : [])

const timeout = (stopTimeout: Duration.DurationInput | undefined): ReadonlyArray<string> =>
  stopTimeout === undefined ? [] : ["--timeout", String(Math.round(Duration.toSeconds(stopTimeout)))]

/** Names that begin with a dash are services nevertheless. */
const named = (services: ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  services === undefined || services.length === 0 ? [] : ["--", ...services]

const recreateFlags = { changed: [], always: ["--force-recreate"], never: ["--no-recreate"] } as const

export const upArguments = (options: ComposeUpOptions): ReadonlyArray<string> => [
  "up",
  "--detach",
  ...flag("--build", options.build),
  ...(options.pull === undefined ? [] : ["--pull", options.pull]),
  ...Object.entries(options.scale ?? {}).flatMap(([service, count]) => ["--scale", `${service}=${count}`]),
  ...flag("--remove-orphans", options.removeOrphans),
  ...recreateFlags[options.recreate ?? "changed"],
  ...timeout(options.stopTimeout),
  ...named(options.services)
]

export const downArguments = (options: ComposeDownOptions): ReadonlyArray<string> => [
  "down",
  ...flag("--remove-orphans", options.removeOrphans ?? true),
  ...flag("--volumes", options.volumes),
  ...(options.images === undefined ? [] : ["--rmi", options.images]),
  ...timeout(options.stopTimeout)
]

export const stopArguments = (verb: "restart" | "stop", options: ComposeStopOptions): ReadonlyArray<string> => [
  verb,
  ...timeout(options.stopTimeout),
  ...named(options.services)
]

export const startArguments = ({ services }: ComposeStartOptions): ReadonlyArray<string> => [
  "start",
  ...named(services)
]

export const pullArguments = (options: ComposePullOptions): ReadonlyArray<string> => [
  "pull",
  ...flag("--ignore-pull-failures", options.ignoreFailures),
  ...flag("--include-deps", options.dependencies),
  ...named(options.services)
]

/** The values of build arguments are in the environment: everyone on the machine can read arguments. */
export const buildArguments = (options: ComposeBuildOptions): ReadonlyArray<string> => [
  "build",
  ...flag("--no-cache", options.noCache),
  ...flag("--pull", options.pull),
  ...Object.keys(options.buildArgs ?? {}).flatMap((name) => ["--build-arg", name]),
  ...named(options.services)
]
