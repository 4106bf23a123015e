/** Adds stacks. */
import type { ComposeFilesShape, ComposeFileValidation } from "@dockwire/core/ComposeFiles"
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import { stackName, type StoredStack } from "./StackFile.js"
import { projectOf, type StackPlaces } from "./StackLookup.js"
import * as Messages from "./stackMessages.js"

/**
 * A stack to add: its compose file is at a URL, or at a path of this machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewStack {
  /** Also the name of its compose project, whatever the file says. */
  readonly name: string
  readonly url?: string
  readonly path?: string
}

const sourceOf = ({ path, url }: NewStack): StoredStack["source"] | undefined => {
  if (url !== undefined) return path === undefined ? { _tag: "Url", url } : undefined
  return path === undefined ? undefined : { _tag: "File", path }
}

/** Checks what was asked for. */
const toStack = (request: NewStack): Effect.Effect<StoredStack, InvalidRequest> =>
  Effect.suspend(() => {
    const { name, path = "", url = "" } = request
    if (!stackName.test(name)) {
      const detail = "use up to 100 lowercase letters, digits, - and _, and begin with a letter or a digit."
      return Effect.fail(new InvalidRequest({ field: "name", value: name, detail }))
    }
    const source = sourceOf(request)
    if (source !== undefined) return Effect.succeed({ name, source, addedAt: new Date().toISOString() })
    const detail =
      "pass either path, where the compose file is on the server's machine, or url, from where to download it."
    return Effect.fail(new InvalidRequest({ field: url === "" ? "url" : "path", value: path, detail }))
  })

/** Checks a file of this machine, and that it does not run under another name. */
const prepareFile = (places: StackPlaces, stack: StoredStack, given: string) =>
  Effect.gen(function* () {
    const { compose } = places
    const { files } = yield* Effect.mapError(
      places.allowed.find(given),
      (detail) => new InvalidRequest({ field: "path", value: given, detail })
    )
    const projects = yield* Effect.orElseSucceed(compose.ls(), () => [])
    const other = projects.find(
      ({ configFiles, name }) => name !== stack.name && configFiles.some((file) => files.includes(file))
    )
    if (other !== undefined) return yield* Messages.otherProject(stack.name, given, other)
    const project = yield* Effect.mapError(
      projectOf(places, stack),
      ({ message }) => new InvalidRequest({ field: "path", value: given, detail: message })
    )
    const checked: Effect.Effect<
      ComposeFileValidation,
      Effect.Effect.Error<ReturnType<typeof compose.config>>
    > = Effect.map(Effect.zipRight(compose.config(project), compose.version()), ({ version }) => ({
      _tag: "Compose",
      version
    }))
    return yield* Effect.catchAll(checked, (error) =>
      // Without compose, it can be added, but not be run.
      error._tag === "ComposeFailed" && error.reason !== "NotInstalled"
        ? Effect.fail(Messages.invalidFile(given, error))
        : Effect.succeed(undefined)
    )
  })

/** Downloads the file of a URL. What an earlier stack of this name has left is replaced. */
const prepareUrl = (files: ComposeFilesShape, name: string, url: string) =>
  files.download(url, name, { replace: true }).pipe(
    Effect.map(({ validation }) => validation),
    Effect.catchTag("InvalidRequest", ({ detail, value }) =>
      Effect.fail(new InvalidRequest({ field: "url", value, detail }))
    )
  )

/** Adds a stack. */
export const addStack = (places: StackPlaces, files: ComposeFilesShape, request: NewStack) =>
  Effect.gen(function* () {
    const stack = yield* toStack(request)
    const { name, source } = stack
    const prepare = Effect.gen(function* () {
      return yield* source._tag === "Url"
        ? prepareUrl(files, name, source.url)
        : prepareFile(places, stack, source.path)
    })
    return { stack, validation: yield* places.registry.add(stack, prepare) }
  })
