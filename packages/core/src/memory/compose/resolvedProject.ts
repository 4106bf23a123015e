import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { createHash } from "node:crypto"
import { posix } from "node:path"
import { InvalidRequest } from "../../DockerError.js"
import type { ContainerSpec } from "../../internal/containers/spec/containerSpec.js"
import { ComposeLabels } from "../../internal/compose/project/composeLabels.js"
import type { MemoryComposeCondition, MemoryComposeProject, MemoryComposeService } from "./projectSpec.js"

const encode = Schema.encodeSync(ComposeLabels)

/** Labels as compose writes them. */
const encodeLabels = (labels: ComposeLabels): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(encode(labels)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  )

/** A service with everything filled in. */
export interface ResolvedService {
  readonly name: string
  readonly spec: MemoryComposeService
  readonly image: string
  readonly dependsOn: ReadonlyArray<readonly [service: string, condition: MemoryComposeCondition]>
  readonly profiles: ReadonlyArray<string>
  readonly replicas: number
  readonly configHash: string
}

/** A project, by the name that it has on the engine. */
export interface ResolvedProject {
  readonly name: string
  readonly directory: string
  readonly networks: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
  /** In the order in which they are started. */
  readonly services: ReadonlyArray<ResolvedService>
}

type Dependencies = NonNullable<MemoryComposeService["dependsOn"]>

const isList = (dependencies: Dependencies): dependencies is ReadonlyArray<string> => Array.isArray(dependencies)

const dependenciesOf = ({ dependsOn = [] }: MemoryComposeService): ResolvedService["dependsOn"] =>
  isList(dependsOn) ? dependsOn.map((service) => [service, "service_started"] as const) : Object.entries(dependsOn)

/** What of a service is the spec of its containers. */
const containerPart = (spec: MemoryComposeService) =>
  Struct.omit(spec, "build", "containerName", "dependsOn", "healthyAfter", "image", "profiles", "replicas")

const resolveService = (project: string, name: string, spec: MemoryComposeService): ResolvedService => ({
  name,
  spec,
  image: spec.image ?? `${project}-${name}`,
  dependsOn: dependenciesOf(spec),
  profiles: spec.profiles ?? [],
  replicas: spec.replicas ?? 1,
  configHash: createHash("sha256")
    .update(JSON.stringify(containerPart(spec)))
    .digest("hex")
})

/** Each service after those that it depends on. What depends on itself is named by the error. */
const inOrder = (services: ReadonlyArray<ResolvedService>): Either.Either<ReadonlyArray<ResolvedService>, string> => {
  const byName = new Map(services.map((service) => [service.name, service]))
  const ordered = new Set<ResolvedService>()
  const problem = (service: ResolvedService, path: ReadonlyArray<string>): string | undefined => {
    if (ordered.has(service)) return undefined
    if (path.includes(service.name)) return `dependency cycle: ${[...path, service.name].join(" -> ")}`
    for (const [name] of service.dependsOn) {
      const dependency = byName.get(name)
      if (dependency === undefined) {
        return `service "${service.name}" depends on "${name}", which is no service of the project`
      }
      const found = problem(dependency, [...path, service.name])
      if (found !== undefined) return found
    }
    ordered.add(service)
    return undefined
  }
  for (const service of services) {
    const found = problem(service, [])
    if (found !== undefined) return Either.left(found)
  }
  return Either.right([...ordered])
}

const problemOf = ({ name, replicas, spec }: ResolvedService): string | undefined => {
  if (spec.image === undefined && spec.build === undefined) return `service "${name}" has neither an image nor a build`
  if (!Number.isInteger(replicas) || replicas < 0) return `service "${name}" cannot have ${replicas} replicas`
  return spec.containerName !== undefined && replicas > 1
    ? `service "${name}" has a container name, and cannot have ${replicas} replicas`
    : undefined
}

/** The project that a spec describes. */
export const resolveProject = (
  name: string,
  spec: MemoryComposeProject
): Either.Either<ResolvedProject, InvalidRequest> => {
  const invalid = (detail: string) => new InvalidRequest({ field: "projects", value: name, detail })
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
    return Either.left(
      invalid("a project's name has lower-case letters, digits, - and _, and begins with a letter or digit")
    )
  }
  const services = Object.entries(spec.services).map(([service, own]) => resolveService(name, service, own))
  const problem = services.map(problemOf).find((found) => found !== undefined)
  if (problem !== undefined) return Either.left(invalid(problem))
  return Either.mapBoth(inOrder(services), {
    onLeft: invalid,
    onRight: (ordered) => ({
      name,
      directory: spec.directory ?? `/projects/${name}`,
      networks: ["default", ...(spec.networks ?? []).filter((network) => network !== "default")],
      volumes: spec.volumes ?? [],
      services: ordered
    })
  })
}

/** What a network or a volume of the project is called on the engine. */
export const engineName = ({ name }: ResolvedProject, own: string): string => `${name}_${own}`

/** What a container of a service is called. */
export const containerName = (project: ResolvedProject, { name, spec }: ResolvedService, number: number): string =>
  spec.containerName ?? `${project.name}-${name}-${number}`

/** The labels of a network or a volume. */
export const projectLabels = (
  { name }: ResolvedProject,
  own: Pick<ComposeLabels, "network" | "volume">
): Readonly<Record<string, string>> => encodeLabels({ project: name, ...own })

const containerLabels = (project: ResolvedProject, service: ResolvedService, number: number) =>
  encodeLabels({
    project: project.name,
    service: service.name,
    number,
    oneOff: false,
    configHash: service.configHash,
    dependsOn: service.dependsOn.map(([name, condition]) => ({ service: name, condition })),
    workingDirectory: project.directory,
    configFiles: [posix.join(project.directory, "compose.yaml")]
  })

/** The container of a service, as the engine is to create it. */
export const containerSpec = (project: ResolvedProject, service: ResolvedService, number: number): ContainerSpec => {
  const spec = containerPart(service.spec)
  const { network = "default" } = spec
  const isOwn = project.networks.includes(network)
  const named = isOwn ? engineName(project, network) : network
  return {
    ...spec,
    name: containerName(project, service, number),
    image: service.image,
    labels: { ...spec.labels, ...containerLabels(project, service, number) },
    network: named,
    ...(service.spec.healthyAfter !== undefined && spec.healthCheck === undefined
      ? { healthCheck: { command: ["true"] } }
      : {}),
    ...(spec.mounts === undefined
      ? {}
      : {
          mounts: spec.mounts.map((mount) =>
            mount.type === "volume" && mount.source !== undefined && project.volumes.includes(mount.source)
              ? { ...mount, source: engineName(project, mount.source) }
              : mount
          )
        }),
    ...(isOwn
      ? {
          config: {
            ...spec.config,
            NetworkingConfig: { EndpointsConfig: { [named]: { Aliases: [service.name] } } }
          }
        }
      : {})
  }
}

const healthCheckOf = ({ healthCheck, healthyAfter }: MemoryComposeService) =>
  healthCheck === "none"
    ? { healthcheck: { disable: true } }
    : healthCheck === undefined && healthyAfter === undefined
      ? {}
      : { healthcheck: { test: healthCheck?.command ?? ["CMD", "true"] } }

/** What `config --format json` prints of the services that take part. */
export const projectConfig = (project: ResolvedProject, services: ReadonlyArray<ResolvedService>): unknown => ({
  name: project.name,
  services: Object.fromEntries(
    services.map(({ dependsOn, image, name, profiles, replicas, spec }) => [
      name,
      {
        image,
        ...(spec.build === undefined
          ? {}
          : { build: { context: typeof spec.build.context === "string" ? spec.build.context : project.directory } }),
        ...(profiles.length === 0 ? {} : { profiles }),
        ...(dependsOn.length === 0
          ? {}
          : {
              depends_on: Object.fromEntries(
                dependsOn.map(([service, condition]) => [service, { condition, required: true }])
              )
            }),
        ...(spec.command === undefined ? {} : { command: spec.command }),
        ...(spec.entrypoint === undefined ? {} : { entrypoint: spec.entrypoint }),
        ...(spec.containerName === undefined ? {} : { container_name: spec.containerName }),
        ...(spec.environment === undefined ? {} : { environment: spec.environment }),
        ...(spec.labels === undefined ? {} : { labels: spec.labels }),
        ...(replicas === 1 ? {} : { deploy: { replicas } }),
        ...(spec.restart === undefined ? {} : { restart: spec.restart.policy }),
        ...healthCheckOf(spec),
        networks: { default: null }
      }
    ])
  ),
  networks: Object.fromEntries(project.networks.map((network) => [network, { name: engineName(project, network) }])),
  volumes: Object.fromEntries(project.volumes.map((volume) => [volume, { name: engineName(project, volume) }]))
})

/** How long after a start the health check of a service passes, in milliseconds. */
export const healthyAfterMillis = ({ spec }: ResolvedService): number | undefined =>
  spec.healthyAfter === undefined ? undefined : Duration.toMillis(spec.healthyAfter)
