import * as Effect from "effect/Effect"
import type { ComposeContainer } from "../../../internal/compose/project/containerModel.js"
import { ComposeStep } from "../composeStep.js"
import { containerName, containerSpec, engineName, projectLabels, type ResolvedService } from "../resolvedProject.js"
import {
  type Act,
  type Acting,
  containersOfProject,
  failed,
  namedServices,
  ofProject,
  tellContainer,
  withDependencies
} from "./acting.js"
import { ensureImages } from "./images.js"
import { isActive, removeContainer } from "./lifecycle.js"
import { startContainer, waitForDependencies } from "./startContainers.js"

/** Creates the networks and volumes of the project that are missing. */
const ensureNetworksAndVolumes = (acting: Acting) =>
  Effect.gen(function* () {
    const { hands, project, tell } = acting
    const toldOf = <A, E>(kind: "network" | "volume", name: string, work: Effect.Effect<A, E>) =>
      tell(ComposeStep.progress(kind, name, "Creating")).pipe(
        Effect.zipRight(work),
        Effect.zipLeft(tell(ComposeStep.progress(kind, name, "Created")))
      )
    const networks = new Set((yield* ofProject(acting)(hands.networks.list())).map(({ name }) => name))
    for (const network of project.networks) {
      const name = engineName(project, network)
      if (networks.has(name)) continue
      const labels = projectLabels(project, { network })
      yield* toldOf("network", name, ofProject(acting)(hands.networks.create({ name, labels })))
    }
    const volumes = new Set((yield* ofProject(acting)(hands.volumes.list())).map(({ name }) => name))
    for (const volume of project.volumes) {
      const name = engineName(project, volume)
      if (volumes.has(name)) continue
      const labels = projectLabels(project, { volume })
      yield* toldOf("volume", name, ofProject(acting)(hands.volumes.create({ name, labels })))
    }
  })

/** How many containers the command wants of each service. */
const scales = (acting: Acting): ReadonlyMap<string, number> =>
  new Map(
    (acting.command.values.get("--scale") ?? []).map((given) => {
      const [service = "", count] = given.split("=")
      return [service, Number(count)]
    })
  )

const createContainer = (acting: Acting, service: ResolvedService, number: number) =>
  ofProject(acting, service.name)(acting.hands.containers.create(containerSpec(acting.project, service, number)))

/** Whether a container is no longer what its service says. */
const isOutdated = (acting: Acting, service: ResolvedService, { configHash, id }: ComposeContainer) =>
  configHash !== service.configHash
    ? Effect.succeed(true)
    : ofProject(
        acting,
        service.name
      )(
        Effect.zipWith(
          acting.hands.containers.inspect(id),
          acting.hands.images.inspect(service.image),
          ({ imageId }, image) => imageId !== image.id
        )
      )

/** Makes the containers of a service what they should be, without starting them. */
const ensureContainers = (
  acting: Acting,
  service: ResolvedService,
  existing: ReadonlyArray<ComposeContainer>,
  count: number
) =>
  Effect.gen(function* () {
    const { flags } = acting.command
    for (const container of existing.filter(({ number }) => number > count)) {
      yield* removeContainer(acting, container, false)
    }
    for (let number = 1; number <= count; number++) {
      const name = containerName(acting.project, service, number)
      const present = existing.find((container) => container.number === number)
      if (present === undefined) {
        yield* tellContainer(acting, name, "Creating")
        yield* createContainer(acting, service, number)
        yield* tellContainer(acting, name, "Created")
        continue
      }
      if (flags.has("--no-recreate")) continue
      if (!flags.has("--force-recreate") && !(yield* isOutdated(acting, service, present))) continue
      yield* tellContainer(acting, name, "Recreate")
      yield* ofProject(acting, service.name)(acting.hands.containers.stop(present.id))
      yield* ofProject(acting, service.name)(acting.hands.containers.remove(present.id, { force: true }))
      yield* createContainer(acting, service, number)
      yield* tellContainer(acting, name, "Recreated")
    }
  })

/** Containers of services that the project does not have, or no longer. */
const orphansOf = (acting: Acting, containers: ReadonlyArray<ComposeContainer>) =>
  containers.filter(({ service }) => !acting.project.services.some(({ name }) => name === service))

export const up: Act = (acting) =>
  Effect.gen(function* () {
    const { command, tell } = acting
    if (command.verb === "up" && !command.flags.has("--detach") && !command.flags.has("--no-start")) {
      return yield* failed(acting, "Failed", `MemoryCompose brings projects up in the background: add --detach to "up"`)
    }
    const wanted = scales(acting)
    const named = yield* namedServices(acting)
    yield* namedServices(acting, [...wanted.keys()])
    const services = command.flags.has("--no-deps") ? named : withDependencies(acting, named)
    if (services.length === 0) return yield* failed(acting, "Failed", "no service selected")
    yield* ensureImages(acting, services)
    yield* ensureNetworksAndVolumes(acting)
    const before = yield* containersOfProject(acting)
    const orphans = orphansOf(acting, before)
    if (command.flags.has("--remove-orphans")) {
      for (const orphan of orphans) yield* removeContainer(acting, orphan, false)
    } else if (orphans.length > 0) {
      const names = orphans.map(({ name }) => name).join(" ")
      yield* tell(ComposeStep.line(`Found orphan containers ([${names}]) for this project.`))
    }
    for (const service of services) {
      const existing = before.filter((container) => container.service === service.name)
      yield* ensureContainers(acting, service, existing, wanted.get(service.name) ?? service.replicas)
    }
    if (command.verb === "create" || command.flags.has("--no-start")) return
    const created = yield* containersOfProject(acting)
    for (const service of services) {
      const own = created.filter((container) => container.service === service.name)
      if (!command.flags.has("--no-deps") && own.length > 0) yield* waitForDependencies(acting, service)
      for (const container of own) {
        if (isActive(container)) yield* tellContainer(acting, container.name, "Running")
        else yield* startContainer(acting, service, container.name)
      }
    }
  })
