import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ComposeContainer } from "../../../internal/compose/project/containerModel.js"
import { type ComposeCommandError } from "../composeStep.js"
import { healthyAfterMillis, type ResolvedService } from "../resolvedProject.js"
import { type Acting, containersOfProject, failed, ofProject, tellContainer } from "./acting.js"

/** Starts a container. */
export const startContainer = (
  acting: Acting,
  service: ResolvedService,
  name: string
): Effect.Effect<void, ComposeCommandError> =>
  Effect.gen(function* () {
    yield* tellContainer(acting, name, "Starting")
    yield* acting.hands.containers.start(name).pipe(
      ofProject(acting, service.name),
      Effect.tapError(({ message }) => tellContainer(acting, name, "Error", message))
    )
    const millis = healthyAfterMillis(service)
    if (millis !== undefined) yield* acting.hands.passLater(name, millis)
    yield* tellContainer(acting, name, "Started")
  })

/** Waits until a container is healthy. */
const untilHealthy = (acting: Acting, { name, service }: ComposeContainer) => {
  const unhealthy = (reason: string) =>
    failed(acting, "DependencyUnhealthy", `dependency failed to start: container ${name} ${reason}`, { service })
  return acting.hands.containers.waitUntil(name, "healthy", { timeout: Duration.infinity }).pipe(
    Effect.catchTags({
      WaitFailed: ({ detail, reason }) => Effect.fail(unhealthy(reason === "Unhealthy" ? "is unhealthy" : detail)),
      ContainerNotFound: () => Effect.fail(unhealthy("was removed"))
    }),
    ofProject(acting, service)
  )
}

/** Waits until a container has ended with 0. */
const untilCompleted = (acting: Acting, { name, service }: ComposeContainer) =>
  acting.hands.containers.wait(name).pipe(
    ofProject(acting, service),
    Effect.filterOrFail(
      ({ exitCode }) => exitCode === 0,
      ({ exitCode }) =>
        failed(acting, "DependencyUnhealthy", `service "${service}" didn't complete successfully: exit ${exitCode}`, {
          service,
          exitCode
        })
    )
  )

/** Waits for what a service depends on, as far as its conditions say. */
export const waitForDependencies = (
  acting: Acting,
  { dependsOn }: ResolvedService
): Effect.Effect<void, ComposeCommandError> =>
  Effect.gen(function* () {
    const waited = dependsOn.filter(([, condition]) => condition !== "service_started")
    if (waited.length === 0) return
    const containers = yield* containersOfProject(acting)
    for (const [dependency, condition] of waited) {
      for (const container of containers.filter(({ service }) => service === dependency)) {
        yield* tellContainer(acting, container.name, "Waiting")
        if (condition === "service_healthy") {
          yield* untilHealthy(acting, container)
          yield* tellContainer(acting, container.name, "Healthy")
        } else {
          yield* untilCompleted(acting, container)
          yield* tellContainer(acting, container.name, "Exited")
        }
      }
    }
  })
