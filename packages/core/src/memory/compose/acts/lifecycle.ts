import * as Effect from "effect/Effect"
import type { ComposeContainer } from "../../../internal/compose/project/containerModel.js"
import {
  type Act,
  type Acting,
  containersOfServices,
  type EngineErrors,
  failed,
  namedServices,
  ofProject,
  stopOptions,
  tellContainer,
  valueOf
} from "./acting.js"
import { startContainer, waitForDependencies } from "./startContainers.js"

export const isActive = ({ state }: ComposeContainer): boolean =>
  state === "running" || state === "paused" || state === "restarting"

/** Stops a container if it runs. */
export const stopContainer = (acting: Acting, container: ComposeContainer) =>
  isActive(container)
    ? Effect.gen(function* () {
        yield* tellContainer(acting, container.name, "Stopping")
        yield* ofProject(acting, container.service)(acting.hands.containers.stop(container.id, stopOptions(acting)))
        yield* tellContainer(acting, container.name, "Stopped")
      })
    : Effect.void

/** Stops a container if it runs, and removes it. */
export const removeContainer = (acting: Acting, container: ComposeContainer, volumes: boolean) =>
  Effect.gen(function* () {
    yield* stopContainer(acting, container)
    yield* tellContainer(acting, container.name, "Removing")
    yield* acting.hands.containers.remove(container.id, { force: true, volumes }).pipe(
      Effect.catchTag("ContainerNotFound", () => Effect.void),
      ofProject(acting, container.service)
    )
    yield* tellContainer(acting, container.name, "Removed")
  })

export const stop: Act = (acting) =>
  Effect.gen(function* () {
    const containers = yield* containersOfServices(acting, yield* namedServices(acting))
    for (const container of containers.toReversed()) yield* stopContainer(acting, container)
  })

export const start: Act = (acting) =>
  Effect.gen(function* () {
    const services = yield* namedServices(acting)
    const containers = yield* containersOfServices(acting, services)
    if (containers.length === 0) return
    for (const service of services) {
      const own = containers.filter((container) => container.service === service.name)
      if (own.length === 0 && service.replicas > 0) {
        const detail = `service "${service.name}" has no container to start`
        return yield* failed(acting, "Failed", detail, { service: service.name })
      }
      yield* waitForDependencies(acting, service)
      for (const container of own) if (!isActive(container)) yield* startContainer(acting, service, container.name)
    }
  })

export const restart: Act = (acting) =>
  Effect.gen(function* () {
    const services = yield* namedServices(acting)
    const containers = yield* containersOfServices(acting, services)
    for (const service of services) {
      for (const { name, service: own } of containers) {
        if (own !== service.name) continue
        yield* tellContainer(acting, name, "Restarting")
        yield* ofProject(acting, own)(acting.hands.containers.stop(name, stopOptions(acting)))
        yield* startContainer(acting, service, name)
      }
    }
  })

/** A command that does one thing to each running container. */
const each =
  (
    words: readonly [doing: string, done: string],
    concerns: (container: ComposeContainer) => boolean,
    work: (acting: Acting, id: string) => Effect.Effect<void, EngineErrors>
  ): Act =>
  (acting) =>
    Effect.gen(function* () {
      for (const container of yield* containersOfServices(acting, yield* namedServices(acting))) {
        if (!concerns(container)) continue
        yield* tellContainer(acting, container.name, words[0])
        yield* ofProject(acting, container.service)(work(acting, container.id))
        yield* tellContainer(acting, container.name, words[1])
      }
    })

export const kill = each(["Killing", "Killed"], isActive, (acting, id) =>
  acting.hands.containers.kill(id, valueOf(acting, "--signal"))
)

export const pause = each(
  ["Pausing", "Paused"],
  ({ state }) => state === "running",
  ({ hands }, id) => hands.containers.pause(id)
)

export const unpause = each(
  ["Unpausing", "Unpaused"],
  ({ state }) => state === "paused",
  ({ hands }, id) => hands.containers.unpause(id)
)

/** Removes containers that do not run; with `--stop`, the others too. */
export const rm: Act = (acting) =>
  Effect.gen(function* () {
    const { flags } = acting.command
    for (const container of yield* containersOfServices(acting, yield* namedServices(acting))) {
      if (flags.has("--stop") || !isActive(container)) {
        yield* removeContainer(acting, container, flags.has("--volumes"))
      }
    }
  })
