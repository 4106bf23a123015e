/** Finds stacks: those that were added, and what the engine has of others. */
import type { ComposeProjectSummary, ComposeShape } from "@dockwire/core/Compose"
import type { ComposeFailed, EngineUnavailable } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { StackNotFound, type StackUnsuitable } from "../StackError.js"
import type { AllowedFolders } from "./AllowedFolders.js"
import type { StackProject } from "./StackAction.js"
import type { StoredStack } from "./StackFile.js"
import * as Messages from "./stackMessages.js"
import type { StackRegistry } from "./StackRegistry.js"

/** Where stacks are looked for. */
export interface StackPlaces {
  readonly compose: ComposeShape
  readonly registry: StackRegistry
  readonly allowed: AllowedFolders
  /** Where the files are that were downloaded. */
  readonly folder: string
}

/** The project of a stack, or why its file cannot be used. */
export const projectOf = (
  { allowed, folder }: StackPlaces,
  { name, source }: StoredStack
): Effect.Effect<StackProject, StackUnsuitable> => {
  const named = { name, configId: name }
  if (source._tag === "Url") return Effect.succeed({ ...named, directory: join(folder, name) })
  return Effect.mapBoth(allowed.find(source.path), {
    onFailure: (detail) => Messages.fileNotAllowed(name, source.path, detail),
    onSuccess: ({ isFolder, path }) => (isFolder ? { ...named, directory: path } : { ...named, files: [path] })
  })
}

/** What the engine has of a project. */
export const summaryOf = (
  { compose }: StackPlaces,
  name: string
): Effect.Effect<ComposeProjectSummary | undefined, ComposeFailed | EngineUnavailable> =>
  Effect.map(compose.ls(), (projects) => projects.find((project) => project.name === name))

/** What the engine has of a project that was not added. */
export const runningProject = (
  places: StackPlaces,
  name: string
): Effect.Effect<ComposeProjectSummary, StackNotFound | StackUnsuitable | EngineUnavailable> =>
  summaryOf(places, name).pipe(
    Effect.catchTag("ComposeFailed", (error) => Effect.fail(Messages.engineRefused(name, error))),
    Effect.filterOrFail(
      (summary) => summary !== undefined,
      () => new StackNotFound({ name })
    )
  )

/** A stack that was added. `verb` says what for. */
export const addedStack = (
  places: StackPlaces,
  verb: string,
  name: string
): Effect.Effect<StoredStack, StackNotFound | StackUnsuitable | EngineUnavailable> =>
  Effect.suspend(() => {
    const stored = places.registry.get(name)
    return stored === undefined
      ? Effect.flatMap(runningProject(places, name), (summary) => Effect.fail(Messages.notAdded(verb, summary)))
      : Effect.succeed(stored)
  })

/** The same where the engine need not answer: a project that it may have is not looked for then. */
export const knownStack = (
  places: StackPlaces,
  verb: string,
  name: string
): Effect.Effect<StoredStack, StackNotFound | StackUnsuitable> =>
  Effect.catchTag(addedStack(places, verb, name), "EngineUnavailable", () => Effect.fail(new StackNotFound({ name })))

/** The URL of a stack. */
export const urlOf = (verb: string, { name, source }: StoredStack): Effect.Effect<string, StackUnsuitable> =>
  source._tag === "Url" ? Effect.succeed(source.url) : Effect.fail(Messages.withoutUrl(verb, name, source.path))
