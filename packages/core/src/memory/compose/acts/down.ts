import * as Effect from "effect/Effect"
import { listProjectContainers } from "../../../internal/compose/project/projectContainers.js"
import { projectLabel } from "../../../internal/compose/project/composeLabels.js"
import { ComposeStep } from "../composeStep.js"
import { engineName } from "../resolvedProject.js"
import { type Act, type Acting, namedServices, ofProject, valueOf } from "./acting.js"
import { removeContainer } from "./lifecycle.js"

const inUse = "Resource is still in use"

/** Removes networks, volumes or images, and leaves those that are still in use. */
const removeEach = <E>(
  { tell }: Acting,
  kind: "network" | "volume" | "image",
  names: ReadonlyArray<string>,
  remove: (name: string) => Effect.Effect<string, E>
) =>
  Effect.forEach(
    names,
    (name) =>
      Effect.gen(function* () {
        yield* tell(ComposeStep.progress(kind, name, "Removing"))
        yield* tell(ComposeStep.progress(kind, name, yield* remove(name)))
      }),
    { discard: true }
  )

const removeNetworks = (acting: Acting) =>
  Effect.gen(function* () {
    const { networks } = acting.hands
    const label = [`${projectLabel}=${acting.project.name}`]
    const own = yield* ofProject(acting)(networks.list({ filters: { label } }))
    yield* removeEach(
      acting,
      "network",
      own.map(({ name }) => name),
      (name) =>
        networks.remove(name).pipe(
          Effect.as("Removed"),
          Effect.catchTags({
            ResourceInUse: () => Effect.succeed(inUse),
            NetworkNotFound: () => Effect.succeed("Removed")
          }),
          ofProject(acting)
        )
    )
  })

const removeVolumes = (acting: Acting) =>
  Effect.gen(function* () {
    const { volumes } = acting.hands
    const there = new Set((yield* ofProject(acting)(volumes.list())).map(({ name }) => name))
    const own = acting.project.volumes.map((volume) => engineName(acting.project, volume))
    yield* removeEach(
      acting,
      "volume",
      own.filter((name) => there.has(name)),
      (name) =>
        volumes.remove(name, { force: true }).pipe(
          Effect.as("Removed"),
          Effect.catchTags({
            ResourceInUse: () => Effect.succeed(inUse),
            VolumeNotFound: () => Effect.succeed("Removed")
          }),
          ofProject(acting)
        )
    )
  })

const removeImages = (acting: Acting, which: string) => {
  const { images } = acting.hands
  const own = acting.project.services.flatMap(({ image, spec }) =>
    which === "all" || spec.image === undefined ? [image] : []
  )
  return removeEach(acting, "image", [...new Set(own)], (name) =>
    images.remove(name).pipe(
      Effect.as("Removed"),
      Effect.catchTags({
        ResourceInUse: () => Effect.succeed(inUse),
        ImageNotFound: () => Effect.succeed("Warning")
      }),
      ofProject(acting)
    )
  )
}

export const down: Act = (acting) =>
  Effect.gen(function* () {
    const { flags, words } = acting.command
    const services = (yield* namedServices(acting)).map(({ name }) => name)
    const known = acting.project.services.map(({ name }) => name)
    const all = yield* ofProject(acting)(listProjectContainers(acting.hands.docker, acting.project.name))
    const containers = all
      .map(({ container }) => container)
      .filter(
        ({ oneOff, service }) =>
          (!oneOff && services.includes(service)) ||
          (words.length === 0 && flags.has("--remove-orphans") && (oneOff || !known.includes(service)))
      )
      .toSorted((left, right) => known.indexOf(right.service) - known.indexOf(left.service))
    for (const container of containers) yield* removeContainer(acting, container, flags.has("--volumes"))
    if (words.length > 0) return
    yield* removeNetworks(acting)
    if (flags.has("--volumes")) yield* removeVolumes(acting)
    const which = valueOf(acting, "--rmi")
    if (which !== undefined) yield* removeImages(acting, which)
  })
