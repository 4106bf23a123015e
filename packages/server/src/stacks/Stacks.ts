/**
 * The compose files that the server knows, and the compose projects that run without being known.
 *
 * @since 0.1.0
 */
import { Compose, type ComposeLogElement, type ComposeLogOptions, type ComposeOptions } from "@dockwire/core/Compose"
import { type ComposeFileComparison, ComposeFiles, type ComposeFilesShape } from "@dockwire/core/ComposeFiles"
import type { Docker } from "@dockwire/core/Docker"
import {
  type ComposeFailed,
  type ComposeFileInvalid,
  ComposeFileUnusable,
  type DownloadFailed,
  type EngineUnavailable,
  type InvalidRequest
} from "@dockwire/core/DockerError"
import type { RegistryAuth } from "@dockwire/core/RegistryAuth"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { access } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { IdempotencyKeyReused, OperationConflict } from "../OperationError.js"
import type { OperationRequest } from "../operations/OperationRequest.js"
import { Operations, type OperationsShape, type StartedOperation } from "../operations/Operations.js"
import { type StackConflict, StackNotFound, type StackUnsuitable } from "../StackError.js"
import type { AddedStack, RemovedStack, StackDetails, StackList } from "../StackSummary.js"
import { addStack, type NewStack } from "./addStack.js"
import { AllowedFolders } from "./AllowedFolders.js"
import type { StackAction, StackProject } from "./StackAction.js"
import { stackFilePath, type StoredStack } from "./StackFile.js"
import { addedStack, knownStack, projectOf, runningProject, type StackPlaces, summaryOf, urlOf } from "./StackLookup.js"
import * as Messages from "./stackMessages.js"
import { makeStackRegistry } from "./StackRegistry.js"
import { describeStack, type KnownStack } from "./stackStatus.js"

export type { NewStack } from "./addStack.js"

/**
 * The service behind `Stacks`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StacksShape {
  /** What is missing since the server has started, and why: sentences. */
  readonly problem: () => string | undefined
  /** Those that were added and the other compose projects that have containers, by name. */
  readonly list: () => Effect.Effect<StackList>
  readonly get: (name: string) => Effect.Effect<StackDetails, StackNotFound | StackUnsuitable | EngineUnavailable>
  /** Adds a stack, and downloads its file if it has a URL. It is not started. */
  readonly add: (
    stack: NewStack
  ) => Effect.Effect<
    AddedStack,
    InvalidRequest | StackConflict | DownloadFailed | ComposeFileInvalid | ComposeFileUnusable
  >
  /** Compares the file of a stack with what its URL leads to. */
  readonly check: (
    name: string
  ) => Effect.Effect<
    ComposeFileComparison,
    StackNotFound | StackUnsuitable | DownloadFailed | ComposeFileInvalid | ComposeFileUnusable
  >
  /** The logs of its containers, as `Compose.logsBatches` has them. Fails at once if there is nothing to read. */
  readonly logs: (
    name: string,
    options: ComposeLogOptions
  ) => Effect.Effect<
    Stream.Stream<ReadonlyArray<ComposeLogElement>, ComposeFailed | InvalidRequest | EngineUnavailable>,
    StackNotFound | StackUnsuitable | EngineUnavailable
  >
  /** Starts an operation on a stack. */
  readonly start: (
    name: string,
    action: StackAction,
    request?: Pick<OperationRequest, "idempotencyKey" | "startedBy">
  ) => Effect.Effect<
    StartedOperation,
    StackNotFound | StackUnsuitable | OperationConflict | IdempotencyKeyReused | EngineUnavailable
  >
  /** Forgets a stack, and removes its file if it was downloaded. With `force`, even if it has containers; these go on. */
  readonly remove: (
    name: string,
    options?: { readonly force?: boolean }
  ) => Effect.Effect<
    RemovedStack,
    StackNotFound | StackUnsuitable | StackConflict | OperationConflict | ComposeFileUnusable
  >
}

/**
 * Options of `Stacks.layer`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StacksOptions {
  readonly dataDir: string
  /** Folders whose compose files may be added by their path. Default: none. */
  readonly stacksDirs?: ReadonlyArray<string>
  /** Whether URLs may lead to addresses that are not public. Default: false. */
  readonly stacksAnyAddress?: boolean
  /** How compose is run. */
  readonly compose?: ComposeOptions
}

/** What the work on stacks needs. */
interface StackHouse extends StackPlaces {
  readonly files: ComposeFilesShape
  readonly operations: OperationsShape
}

/** What two operations on a stack have in common. */
const targetOf = (name: string): string => `stack:${name}`

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name < right.name ? -1 : 1

/** With the setting that allows what was refused. */
const explained = (files: ComposeFilesShape): ComposeFilesShape => {
  const hints = { DownloadFailed: (error: DownloadFailed) => Effect.fail(Messages.explainedDownload(error)) }
  return {
    ...files,
    download: (...args) => Effect.catchTags(files.download(...args), hints),
    check: (...args) => Effect.catchTags(files.check(...args), hints),
    update: (...args) => Effect.catchTags(files.update(...args), hints)
  }
}

const exists = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    access(path).then(
      () => true,
      () => false
    )
  )

/** What is known of a stack that was added; `summary` is what the engine has of it. */
const describe = (house: StackHouse, stored: StoredStack, summary: KnownStack["summary"]) =>
  Effect.flatMap(Effect.merge(Effect.mapError(projectOf(house, stored), ({ message }) => message)), (project) =>
    describeStack(house.compose, { name: stored.name, stored, project, summary })
  )

const list = (house: StackHouse): Effect.Effect<StackList> =>
  Effect.gen(function* () {
    const { compose, registry } = house
    const projects = yield* Effect.either(compose.ls())
    const summaries = projects._tag === "Right" ? projects.right : []
    const failure = projects._tag === "Left" ? projects.left.message : undefined
    const names = new Set([...registry.names(), ...summaries.map(({ name }) => name)])
    const stacks = yield* Effect.forEach(
      names,
      (name) => {
        const stored = registry.get(name)
        const summary = failure ?? summaries.find((each) => each.name === name)
        return stored === undefined
          ? describeStack(compose, { name, project: { name }, summary })
          : describe(house, stored, summary)
      },
      { concurrency: 4 }
    )
    const missing =
      failure === undefined ? [] : [`Projects that were not added are missing, and so is every status: ${failure}`]
    const problems = [...(registry.problem === undefined ? [] : [registry.problem]), ...missing]
    return { stacks: stacks.toSorted(byName), ...(problems.length === 0 ? {} : { problem: problems.join(" ") }) }
  })

/** The summary of a stack that was added, or why there is none. */
const summaryOrWhy = (house: StackHouse, name: string) =>
  Effect.merge(Effect.mapError(summaryOf(house, name), ({ message }) => message))

const get = (house: StackHouse, name: string) =>
  Effect.gen(function* () {
    const { compose, registry } = house
    const stored = registry.get(name)
    const summary = yield* stored === undefined ? runningProject(house, name) : summaryOrWhy(house, name)
    const stack = yield* stored === undefined
      ? describeStack(compose, { name, project: { name }, summary })
      : describe(house, stored, summary)
    const containers = typeof summary === "object" ? yield* Effect.orElseSucceed(compose.ps({ name }), () => []) : []
    return { ...stack, containers }
  })

/** What an action works with, once that is sure to be there. */
const prepared = (house: StackHouse, name: string, { needs, verb }: StackAction) =>
  Effect.gen(function* () {
    const onEngine: StackProject = { name, configId: name }
    if (needs === "containers") {
      if (house.registry.get(name) === undefined) yield* runningProject(house, name)
      return { project: onEngine, url: undefined }
    }
    const stored = yield* addedStack(house, verb, name)
    if (needs === "url") return { project: onEngine, url: yield* urlOf(verb, stored) }
    return { project: yield* projectOf(house, stored), url: undefined }
  })

/** Refuses to forget a stack that has containers. */
const requireNoContainers = ({ compose }: StackHouse, name: string): Effect.Effect<void, StackConflict> =>
  Effect.flatMap(
    Effect.mapError(compose.ps({ name }), ({ message }) => Messages.maybeInUse(name, message)),
    ({ length }) => (length === 0 ? Effect.void : Effect.fail(Messages.inUse(name, length)))
  )

const remove = (house: StackHouse, name: string, force: boolean) =>
  Effect.gen(function* () {
    const { files, operations, registry } = house
    const stored = yield* knownStack(house, "remove", name)
    yield* operations.requireIdle([targetOf(name)])
    if (!force) yield* requireNoContainers(house, name)
    // From here on, no operation can begin that uses the file.
    yield* operations.requireIdle([targetOf(name)])
    if (registry.get(name) !== stored) return yield* new StackNotFound({ name })
    yield* registry.remove(stored)
    if (stored.source._tag === "File") return { name }
    // What is left is told by its folder.
    yield* Effect.ignore(files.remove(name))
    const folder = join(files.folder, name)
    return (yield* exists(folder)) ? { name, kept: folder } : { name }
  })

const makeStacks = (house: StackHouse): StacksShape => {
  const { compose, files, operations, registry } = house
  return {
    problem: () => registry.problem,
    list: Effect.fn("Stacks.list")(function* () {
      return yield* list(house)
    }),
    get: Effect.fn("Stacks.get")(function* (name) {
      return yield* get(house, name)
    }),
    add: Effect.fn("Stacks.add")(function* (request) {
      const { stack, validation } = yield* addStack(house, files, request)
      const described = yield* describe(house, stack, yield* summaryOrWhy(house, stack.name))
      return { ...described, ...(validation === undefined ? {} : { validation }) }
    }),
    check: Effect.fn("Stacks.check")(function* (name) {
      const url = yield* urlOf("check", yield* knownStack(house, "check", name))
      return yield* Effect.catchTag(files.check(name, url), "InvalidRequest", ({ detail }) =>
        // The name and the URL were checked when the stack was added.
        Effect.fail(new ComposeFileUnusable({ reason: "Failed", path: join(files.folder, name), detail }))
      )
    }),
    logs: Effect.fn("Stacks.logs")(function* (name, options) {
      if (registry.get(name) === undefined) yield* runningProject(house, name)
      return compose.logsBatches({ name }, options)
    }),
    start: Effect.fn("Stacks.start")(function* (name, action, request = {}) {
      const stored = registry.get(name)
      const { project, url } = yield* prepared(house, name, action)
      // It may have been removed meanwhile.
      if (registry.get(name) !== stored) return yield* new StackNotFound({ name })
      const operation = action.operation(project, { compose, files, url })
      return yield* operations.start({ ...request, operation, targets: [targetOf(name)], asked: action.asked })
    }),
    remove: Effect.fn("Stacks.remove")(function* (name, { force = false } = {}) {
      return yield* remove(house, name, force)
    })
  }
}

/**
 * Named compose files, each of which is a stack: its name is its `config_id` and the name of its compose project. They are kept in
 * `stacks.json` of the data directory, and those that come from a URL in `stacks/`.
 *
 * @since 0.1.0
 * @category tags
 */
export class Stacks extends Context.Tag("@dockwire/server/Stacks")<Stacks, StacksShape>() {
  /** With the compose command of this machine, on the engine behind `Docker`. */
  static readonly layer = (options: StacksOptions): Layer.Layer<Stacks, never, Docker | RegistryAuth | Operations> => {
    const { compose = {}, stacksAnyAddress = false, stacksDirs = [] } = options
    const dataDir = resolve(options.dataDir)
    const house = Effect.gen(function* () {
      const files = explained(yield* ComposeFiles)
      return makeStacks({
        compose: yield* Compose,
        files,
        folder: files.folder,
        operations: yield* Operations,
        allowed: new AllowedFolders(stacksDirs),
        registry: yield* makeStackRegistry(stackFilePath(dataDir))
      })
    })
    const addresses = stacksAnyAddress ? "any" : "public"
    return Layer.effect(Stacks, house).pipe(
      Layer.provide([Compose.layerWith(compose), ComposeFiles.layer({ folder: join(dataDir, "stacks"), addresses })])
    )
  }
}
