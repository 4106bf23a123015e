import * as Effect from "effect/Effect"
import type { DockerShape } from "../../../Docker.js"
import {
  ComposeFailed,
  EngineUnavailable,
  type ImageNotFound,
  PortAllocated,
  RegistryError,
  type UnavailableReason
} from "../../../DockerError.js"
import type { RegistryAuthShape } from "../../../RegistryAuth.js"
import { familiarReference, readImageReference } from "../../registry/imageReference.js"
import { registryFailure } from "../../registry/registryFailure.js"
import type { ComposeDecoder } from "../progress/composeDecoder.js"
import { inspectProjectContainers } from "../project/inspectedContainer.js"
import type { ComposeContainer } from "../project/containerModel.js"
import { listProjectContainers } from "../project/projectContainers.js"
import { invalidPlace } from "./invalidPlace.js"
import { type FailureText, failureText, isOfVariables } from "./failureTexts.js"

/** What an operation on a project can fail with. */
export type ComposeError = ComposeFailed | PortAllocated | ImageNotFound | RegistryError | EngineUnavailable

/** What the files of a project say of a service, as far as it explains failures. */
export interface DeclaredService {
  readonly name: string
  readonly image: string | undefined
  readonly containerName: string | undefined
  readonly isBuilt: boolean
  /** The files and folders that it mounts, also as a secret or a config. */
  readonly mounted: ReadonlyArray<string>
}

/** What reading the files again shows after a failure. */
export interface DeclaredServices {
  /** Empty if the files cannot be read. */
  readonly services: ReadonlyArray<DeclaredService>
  /** What compose says if it cannot read the files; `undefined` if it can. */
  readonly problem: string | undefined
}

/** A run of compose that failed. */
export interface FailedRun {
  readonly docker: DockerShape
  readonly auth: RegistryAuthShape
  /** The name of the project; its path if it is not known. */
  readonly project: string
  /** The files of the project, if they are known. */
  readonly files: ReadonlyArray<string>
  readonly decoder: ComposeDecoder
  readonly exitCode: number | undefined
  /** How the command ended, as `exited with code 1`. */
  readonly end: string
  readonly declared: Effect.Effect<DeclaredServices>
}

const maxDetailLength = 4_000

/** What compose said, without its warnings. */
export const wordsOf = ({ decoder, end }: Pick<FailedRun, "decoder" | "end">): string => {
  const lines = decoder.failures.length > 0 ? decoder.failures : decoder.lastLines
  const words = lines.filter((line) => !/^time="[^"]*" level=(?:warning|info|debug)|^(?:warning|info): /.test(line))
  const text = words.join("\n").trim()
  return text === "" ? `the command ${end}` : text.slice(-maxDetailLength)
}

/** Of texts that differ in their empty lines only, the same. */
const onOneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

const unavailableReason = (words: string): UnavailableReason => {
  if (/permission denied|x509: |certificate/i.test(words)) return "PermissionDenied"
  if (/connection refused/i.test(words)) return "Refused"
  if (/no such host|no such file|not found/i.test(words)) return "NotFound"
  if (/timeout|deadline exceeded/i.test(words)) return "TimedOut"
  // What compose says of a socket on which nobody listens any more.
  return /Cannot connect to the Docker daemon/.test(words) ? "Refused" : "Lost"
}

/** The service whose build failed: compose puts its name in front of the step, if it builds several. */
const builtService = (run: FailedRun, declared: ReadonlyArray<DeclaredService>): string | undefined => {
  const step =
    run.decoder.failedStep?.safeName ??
    run.decoder.lastLines.findLast((line) => line.startsWith(" > ["))?.slice(3) ??
    ""
  const [, first] = /^\[([\w.-]+) /.exec(step) ?? []
  const built = declared.filter(({ isBuilt }) => isBuilt)
  return built.find(({ name }) => name === first)?.name ?? (built.length === 1 ? built[0]?.name : undefined)
}

/** The service of a container that the engine has, or would have. */
const serviceOf = (
  container: string | undefined,
  project: string,
  containers: ReadonlyArray<ComposeContainer>,
  declared: ReadonlyArray<DeclaredService>
): string | undefined => {
  if (container === undefined) return undefined
  const found = containers.find(({ id, name }) => name === container || id === container)
  if (found !== undefined) return found.service
  return declared.find(
    ({ containerName, name }) =>
      containerName === container ||
      (container.startsWith(`${project}-${name}-`) && /^\d+$/.test(container.slice(project.length + name.length + 2)))
  )?.name
}

const portWords = /(?:Bind for|listen \w+|bind host port(?: for)?) (\S+:\d+)/

/** The container that could not be started: the engine keeps why. */
const notStarted = (run: FailedRun, containers: ReadonlyArray<ComposeContainer>, isWhy: (error: string) => boolean) => {
  const suspects = containers.filter(({ state }) => state === "created" || state === "exited")
  return inspectProjectContainers(
    run.docker,
    suspects.map(({ id }) => id)
  ).pipe(
    Effect.map((inspected) => inspected.find(({ error }) => error !== "" && isWhy(error))?.name),
    Effect.orElseSucceed(() => undefined)
  )
}

/** The container that compose names beside the words of the engine. */
const namedContainer = ({ decoder }: FailedRun): string | undefined =>
  decoder.errors.findLast(({ resource: { kind } }) => kind === "container")?.resource.name

const portAllocated = (run: FailedRun, text: FailureText, words: string, containers: ReadonlyArray<ComposeContainer>) =>
  Effect.gen(function* () {
    const name =
      text.container ??
      (yield* notStarted(run, containers, (error) => /already allocated|already in use/.test(error))) ??
      namedContainer(run)
    return new PortAllocated({ containerId: name ?? run.project, address: portWords.exec(words)?.[1], detail: words })
  })

/** Where the credentials for a registry come from. */
const sourceOf = ({ auth }: FailedRun, registry: string): Effect.Effect<string> =>
  Effect.match(auth.find(registry), {
    onFailure: ({ credentials }) => credentials,
    onSuccess: (found) => found?.source ?? "none"
  })

/** The failure of an image that could not be got; `undefined` if it is about something else. */
const imageFailure = (
  run: FailedRun,
  text: FailureText,
  words: string,
  declared: ReadonlyArray<DeclaredService>
): Effect.Effect<ImageNotFound | RegistryError | "invalid" | undefined> =>
  Effect.gen(function* () {
    // Of a helper that failed, compose does not say for which image it was asked.
    const isOfHelper = text.reason === "CredentialsUnavailable"
    const failed =
      run.decoder.errors.find(({ resource: { kind } }) => kind === "service" || kind === "image")?.resource ??
      (isOfHelper ? run.decoder.pulling[0] : undefined)
    const named = failed?.kind === "image" ? failed.name : declared.find(({ name }) => name === failed?.name)?.image
    const image =
      text.image ?? named ?? (isOfHelper ? declared.find(({ image }) => image !== undefined)?.image : undefined)
    if (image === undefined) return undefined
    const reference = readImageReference(image)
    if (typeof reference === "string") return "invalid"
    const credentials = yield* sourceOf(run, reference.registry)
    const task = { image: familiarReference(reference), registry: reference.registry, credentials }
    const detail = words.replace(/^(?:unable to get image '[^']*': )?Error response from daemon: /, "")
    return isOfHelper
      ? new RegistryError({ ...task, reason: "CredentialsUnavailable", detail })
      : registryFailure(task, detail)
  })

/** Why a run of compose failed: by what it printed, and by what the engine shows afterwards. */
export const composeFailure = (run: FailedRun): Effect.Effect<ComposeError> =>
  Effect.gen(function* () {
    const words = wordsOf(run)
    const text = failureText(words, run.exitCode)
    const failed = (
      reason: ComposeFailed["reason"],
      more: Partial<FailureText> & { readonly column?: number | undefined } = {}
    ) => {
      const { column, exitCode, file, line, service, variable } = { column: undefined, ...text, ...more }
      return new ComposeFailed({
        reason,
        project: run.project,
        service,
        variable,
        file,
        line,
        column,
        exitCode: exitCode ?? (reason === "Failed" ? run.exitCode : undefined),
        lastLines: [...run.decoder.lastLines],
        detail: words
      })
    }
    if (text.reason === "EngineUnavailable") {
      return new EngineUnavailable({
        endpoint: run.docker.endpoint,
        reason: unavailableReason(words),
        detail: words
      })
    }
    const isOfEngine = /^(?:.*: )?Error response from daemon: /m.test(words)
    if (text.reason === "FileNotFound" && !isOfEngine) return failed("FileNotFound")
    const inFile = (reason: "FileInvalid" | "VariableMissing") =>
      Effect.map(invalidPlace(words, text, run.files), (place) =>
        failed(reason, {
          service: text.service ?? place?.service,
          file: place?.file ?? text.file,
          // Of a file that is not known, compose may name any line.
          line: place === undefined && text.file === undefined ? undefined : text.line,
          ...place?.position
        })
      )
    if (isOfVariables(words)) return failed("FileInvalid", { line: undefined })
    if (text.reason === "FileInvalid") return yield* inFile("FileInvalid")
    if (text.reason === "VariableMissing" && words.includes("error while interpolating")) {
      return yield* inFile("VariableMissing")
    }
    const { problem, services: declared } = yield* run.declared
    // Not all words are known with which compose rejects a file.
    if (text.reason === "Failed" && problem !== undefined && onOneLine(words).includes(onOneLine(problem))) {
      return yield* inFile("FileInvalid")
    }

    const containers = yield* listProjectContainers(run.docker, run.project).pipe(
      Effect.map((all) => all.map(({ container }) => container)),
      Effect.catchTag("EngineError", () => Effect.succeed([])),
      Effect.either
    )
    // An engine that has gone explains everything that it was asked for.
    if (containers._tag === "Left") return containers.left
    const inEngine = serviceOf(text.container, run.project, containers.right, declared)
    const service = text.service ?? inEngine
    const unstarted = Effect.map(
      notStarted(run, containers.right, (error) => words.includes(error)),
      (name) => serviceOf(name ?? namedContainer(run), run.project, containers.right, declared)
    )
    switch (text.reason) {
      case "PortAllocated":
        return yield* portAllocated(run, text, words, containers.right)
      case "BuildFailed":
        return failed("BuildFailed", { service: text.service ?? builtService(run, declared) })
      case "CredentialsUnavailable":
      case "Image":
      case "Failed": {
        const isOfImage = text.reason !== "Failed" || run.decoder.errors.length > 0
        const image = isOfImage ? yield* imageFailure(run, text, words, declared) : undefined
        if (image === "invalid") {
          const named = declared.find(({ image }) => image === text.image)?.name
          const place = yield* invalidPlace(words, { service: named, property: "image" }, run.files)
          return failed("FileInvalid", { service: named, file: place?.file, ...place?.position })
        }
        if (image !== undefined) return image
        return failed("Failed", { service: service ?? (isOfEngine ? yield* unstarted : undefined) })
      }
      case "FileNotFound": {
        const mounting = declared.find(({ mounted }) => text.file !== undefined && mounted.includes(text.file))?.name
        return failed("FileNotFound", { service: service ?? mounting ?? (yield* unstarted) })
      }
      default:
        return failed(text.reason, { service })
    }
  })
