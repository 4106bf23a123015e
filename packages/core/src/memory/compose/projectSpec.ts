import type * as Duration from "effect/Duration"
import type { ContainerSpec } from "../../internal/containers/spec/containerSpec.js"
import type { BuildSpec } from "../../internal/build/buildSpec.js"

/**
 * When a service is started: once another one has been started, is healthy, or has ended with 0.
 *
 * @since 0.1.0
 * @category models
 */
export type MemoryComposeCondition = "service_started" | "service_healthy" | "service_completed_successfully"

/**
 * A service of a scripted compose project: its containers, and what the compose file says besides.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryComposeService extends Omit<ContainerSpec, "image" | "name" | "autoRemove"> {
  /** Required unless the service has a `build`; then the default is the names of the project and the service: `shop-web`. */
  readonly image?: string
  /** Builds the image, as `Images.build` does in the engine. It is tagged with `image`. */
  readonly build?: Omit<BuildSpec, "tags">
  /** The services that are started before it; with conditions, when. */
  readonly dependsOn?: ReadonlyArray<string> | Readonly<Record<string, MemoryComposeCondition>>
  /** The profiles that it takes part in. Without any, it always takes part. */
  readonly profiles?: ReadonlyArray<string>
  /** How many containers it has. Default 1. */
  readonly replicas?: number
  /** The name of its only container. Default: the names of the project and the service, and a number: `shop-web-1`. */
  readonly containerName?: string
  /**
   * How long after each start its health check passes. Otherwise it keeps `starting` until `MemoryEngine.setHealth`, as no
   * health check is executed. With it, `healthCheck` may be omitted.
   */
  readonly healthyAfter?: Duration.DurationInput
}

/**
 * A scripted compose project. It has a network `default`, which its services are in unless they have a `network` of their own.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryComposeProject {
  /** By name. */
  readonly services: Readonly<Record<string, MemoryComposeService>>
  /** The names of further networks. On the engine, they have the project's name in front: `shop_backend`. */
  readonly networks?: ReadonlyArray<string>
  /** The names of volumes, which mounts of services refer to. On the engine, they are called `shop_data`. */
  readonly volumes?: ReadonlyArray<string>
  /**
   * The folder of the project, for programs that name a project by a path. Nothing is read there. Default: any folder whose
   * name is that of the project; on the labels of containers, `/projects/` and the name.
   */
  readonly directory?: string
}
