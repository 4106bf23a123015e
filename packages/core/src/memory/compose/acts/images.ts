import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { OperationStep } from "../../../Operation.js"
import { ComposeStep } from "../composeStep.js"
import type { ResolvedService } from "../resolvedProject.js"
import { type Act, type Acting, failed, namedServices, ofProject, valueOf, withDependencies } from "./acting.js"

const tellImage = ({ tell }: Acting, { name }: ResolvedService, status: string, detail?: string) =>
  tell(ComposeStep.progress("service", name, status, detail === undefined ? {} : { detail }))

/** What the engine says of a layer, as compose passes it on. */
const tellLayer = ({ tell }: Acting, { name }: ResolvedService, step: OperationStep<unknown>) => {
  if (step._tag !== "Progress") return Effect.void
  const { current, id, status, total } = step
  const amounts = { ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) }
  return tell(ComposeStep.progress("layer", id, status, { parent: name, ...amounts }))
}

const pullImage = (acting: Acting, service: ResolvedService) =>
  Effect.gen(function* () {
    yield* tellImage(acting, service, "Pulling")
    const { steps } = acting.hands.images.pull(
      service.image,
      service.spec.platform === undefined ? {} : { platform: service.spec.platform }
    )
    yield* Stream.runForEach(steps, (step) => tellLayer(acting, service, step)).pipe(
      Effect.catchTag("InvalidRequest", ({ detail }) =>
        Effect.fail(failed(acting, "FileInvalid", detail, { service: service.name }))
      ),
      ofProject(acting, service.name),
      Effect.tapError(({ message }) => tellImage(acting, service, "Error", message))
    )
    yield* tellImage(acting, service, "Pulled")
  })

/** Pulls the images of services, each once. */
const pullImages = (acting: Acting, services: ReadonlyArray<ResolvedService>, ignoreFailures = false) => {
  const first = services.filter(({ image }, index) => services.findIndex((other) => other.image === image) === index)
  return Effect.forEach(
    first,
    (service) => {
      const pulling = pullImage(acting, service)
      return ignoreFailures ? Effect.ignore(pulling) : pulling
    },
    { concurrency: "unbounded", discard: true }
  )
}

/** The build arguments of the command, with those whose value is in the environment. */
const buildArgsOf = ({ command, environment }: Acting): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (command.values.get("--build-arg") ?? []).flatMap((given) => {
      const equals = given.indexOf("=")
      const [name, value] =
        equals === -1 ? [given, environment[given]] : [given.slice(0, equals), given.slice(equals + 1)]
      return value === undefined ? [] : [[name, value]]
    })
  )

const buildImage = (acting: Acting, service: ResolvedService, build: NonNullable<ResolvedService["spec"]["build"]>) =>
  Effect.gen(function* () {
    const { flags, verb } = acting.command
    const isBuild = verb === "build"
    yield* tellImage(acting, service, "Building")
    const { steps } = acting.hands.images.build({
      ...build,
      tags: [service.image],
      buildArgs: { ...build.buildArgs, ...buildArgsOf(acting) },
      ...(isBuild && flags.has("--no-cache") ? { noCache: true } : {}),
      ...(isBuild && flags.has("--pull") ? { pull: true } : {})
    })
    yield* Stream.runForEach(steps, (step) =>
      step._tag === "Line" ? acting.tell(ComposeStep.line(step.text, "stdout")) : Effect.void
    ).pipe(
      Effect.catchTags({
        BuildFailed: ({ exitCode, message }) =>
          Effect.fail(
            failed(acting, "BuildFailed", message, {
              service: service.name,
              ...(exitCode === undefined ? {} : { exitCode })
            })
          ),
        InvalidRequest: ({ message }) => Effect.fail(failed(acting, "BuildFailed", message, { service: service.name }))
      }),
      ofProject(acting, service.name)
    )
    yield* tellImage(acting, service, "Built")
  })

const buildImages = (acting: Acting, services: ReadonlyArray<ResolvedService>) =>
  Effect.forEach(
    services,
    (service) => (service.spec.build === undefined ? Effect.void : buildImage(acting, service, service.spec.build)),
    { discard: true }
  )

const hasImage = (acting: Acting, { image, name }: ResolvedService) =>
  acting.hands.images.inspect(image).pipe(
    Effect.as(true),
    Effect.catchTag("ImageNotFound", () => Effect.succeed(false)),
    ofProject(acting, name)
  )

/** Gets the images that `up` needs: pulls them or builds them. */
export const ensureImages = (acting: Acting, services: ReadonlyArray<ResolvedService>) =>
  Effect.gen(function* () {
    const policy = valueOf(acting, "--pull") ?? "missing"
    const lacking = yield* Effect.filter(services, (service) =>
      Effect.map(hasImage(acting, service), (isThere) => !isThere)
    )
    const isBuilt = ({ spec }: ResolvedService) => spec.build !== undefined
    const toBuild = services.filter(
      (service) => isBuilt(service) && (acting.command.flags.has("--build") || lacking.includes(service))
    )
    const toPull = (policy === "always" ? services : policy === "never" ? [] : lacking).filter(
      (service) => !isBuilt(service)
    )
    yield* pullImages(acting, toPull)
    yield* buildImages(acting, toBuild)
  })

export const pull: Act = (acting) =>
  Effect.gen(function* () {
    const { flags } = acting.command
    const named = yield* namedServices(acting)
    const services = flags.has("--include-deps") ? withDependencies(acting, named) : named
    for (const service of services) {
      if (service.spec.build !== undefined) yield* tellImage(acting, service, "Skipped", "No image to be pulled")
    }
    const toPull = services.filter(({ spec }) => spec.build === undefined)
    yield* pullImages(acting, toPull, flags.has("--ignore-pull-failures"))
  })

export const build: Act = (acting) => Effect.flatMap(namedServices(acting), (services) => buildImages(acting, services))
