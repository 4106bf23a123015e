import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import { type DockerFailure, EngineError, ImageNotFound, InvalidRequest } from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded, undecodable } from "../api/decode.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { traced } from "../api/traced.js"
import { JsonLines } from "../api/streams/jsonLines.js"
import { uploadStream } from "../api/streams/uploadStream.js"
import { isSamePlatform, parsePlatform, platformName, type RequestedPlatform } from "../registry/imagePlatform.js"
import { imageNotFound, imagePath } from "./imageErrors.js"
import { imageId } from "./imageInspection.js"
import { imageTarget } from "./imageTarget.js"
import { wholeArchive } from "./wholeArchive.js"

/**
 * Options of `Images.import`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImageImportOptions {
  /** The reference of the new image. Without it, the image has no name. */
  readonly reference?: string
  /** Instructions of a Dockerfile to apply, such as `CMD ["sh"]` or `ENV A=b`. */
  readonly changes?: ReadonlyArray<string>
  /** The comment in the image's history. */
  readonly message?: string
  /**
   * Such as `linux/arm64`. Default: the engine's own. An engine that makes an image for another one, as Docker 20.10 does, is an
   * `InvalidRequest`, and the image is removed.
   */
  readonly platform?: string
}

const decodePlatform = decodeResponse(
  Schema.Struct({
    Os: nullable(Schema.String),
    Architecture: nullable(Schema.String),
    Variant: nullable(Schema.String)
  })
)

/** Loading takes as long as the content does. */
const timeout = Duration.infinity

/** The JSON objects of a response that has one per line. A response with a single one has been parsed already. */
const responseLines = (body: unknown): ReadonlyArray<unknown> => {
  if (typeof body !== "string") return [body]
  const lines = new JsonLines()
  return [...lines.push(Buffer.from(body)), ...lines.end()]
}

const textAt = (line: unknown, name: string): string | undefined => {
  const value = Predicate.hasProperty(line, name) ? line[name] : undefined
  return typeof value === "string" ? value : undefined
}

/** Uploads an archive, and returns the lines of the response. An error in one of them is a failure, whatever the status. */
const uploadArchive = <E, R>(docker: DockerShape, request: DockerRequest, archive: Stream.Stream<Uint8Array, E, R>) =>
  Effect.gen(function* () {
    const { body, status } = yield* uploadStream(docker, request, archive)
    const lines = responseLines(body)
    const error = lines.map((line) => textAt(line, "error")).find((text) => text !== undefined)
    if (error === undefined) return lines
    return yield* new EngineError({ request: `${request.method} ${request.path}`, status, detail: error })
  })

/** The engine reports a broken archive with various statuses. */
const invalidArchive = (error: EngineError): InvalidRequest | undefined =>
  error.status === 400 ||
  /archive\/tar|unexpected EOF|invalid tar|no such file or directory|manifest\.json|unrecognized image format|payload does not match|invalid archive|error processing tar/i.test(
    error.detail
  )
    ? new InvalidRequest({ field: "archive", value: "", detail: error.detail })
    : undefined

const importError = (options: ImageImportOptions, error: EngineError): InvalidRequest | undefined =>
  /(unknown|invalid) instruction|not a valid change|parse error|dockerfile/i.test(error.detail)
    ? new InvalidRequest({ field: "changes", value: (options.changes ?? []).join("; "), detail: error.detail })
    : /platform|operating system|architecture/i.test(error.detail) && options.platform !== undefined
      ? new InvalidRequest({ field: "platform", value: options.platform, detail: error.detail })
      : invalidArchive(error)

/**
 * Fails if an imported image is for another platform, and removes it: Docker 20.10 ignores the platform, and Podman its variant.
 */
const checkImported = (
  docker: DockerShape,
  id: string,
  { platform = "" }: ImageImportOptions,
  wanted: RequestedPlatform
): Effect.Effect<void, InvalidRequest | DockerFailure> =>
  Effect.gen(function* () {
    const path = `/images/${encodeURIComponent(id)}`
    const found = yield* requestDecoded(docker, { method: "GET", path: `${path}/json` }, decodePlatform)
    const actual = { os: found.Os ?? "", architecture: found.Architecture ?? "", variant: found.Variant ?? "" }
    if (isSamePlatform(wanted, actual)) return
    // The failure is what counts; without a name, a prune removes the image at the latest.
    yield* Effect.ignore(docker.json({ method: "DELETE", path }))
    const detail = `the engine made an image for ${platformName(actual)}, which was removed. Import the archive with an engine that knows the platform`
    return yield* new InvalidRequest({ field: "platform", value: platform, detail })
  })

/** The first of several images that does not exist: not every engine says which. */
const firstMissing = (docker: DockerShape, images: ReadonlyArray<string>): Effect.Effect<string | undefined> =>
  Effect.findFirst(images, (image) =>
    imagePath(image, "/json").pipe(
      Effect.flatMap((path) => docker.json({ method: "GET", path })),
      mapEngineError((error) => imageNotFound(image, error)),
      Effect.as(false),
      Effect.catchAll((error) => Effect.succeed(error._tag === "ImageNotFound"))
    )
  ).pipe(Effect.map(Option.getOrUndefined))

const save = (
  docker: DockerShape,
  images: ReadonlyArray<string>
): Stream.Stream<Uint8Array, ImageNotFound | InvalidRequest | DockerFailure> => {
  const [only] = images
  if (only === undefined) {
    return Stream.fail(new InvalidRequest({ field: "images", value: "", detail: "name at least one image" }))
  }
  const request = { method: "GET", path: "/images/get", query: { names: images }, timeout: "10 minutes" } as const
  const opened = Effect.gen(function* () {
    for (const image of images) yield* imagePath(image, "")
    const { body } = yield* docker.stream(request)
    return wholeArchive(`${request.method} ${request.path}`, body)
  })
  return Stream.unwrapScoped(
    Effect.catchTag(opened, "EngineError", (error) =>
      Effect.gen(function* () {
        if (imageNotFound(only, error) === undefined) return yield* error
        const image = (yield* firstMissing(docker, images)) ?? only
        return yield* new ImageNotFound({ image, detail: error.detail })
      })
    )
  )
}

/** Methods of `Images` that read and write archives: `save`, `load` and `import`. */
export const imageArchive = (docker: DockerShape) => ({
  save: (images: ReadonlyArray<string>) => save(docker, images),

  load: traced("Images.load")(<E, R>(archive: Stream.Stream<Uint8Array, E, R>) =>
    uploadArchive(docker, { method: "POST", path: "/images/load", query: { quiet: true }, timeout }, archive).pipe(
      Effect.map((lines): ReadonlyArray<string> =>
        lines.flatMap((line) => {
          const [, name] = /^Loaded image(?: ID)?\(?s?\)?: (.+)/.exec(textAt(line, "stream") ?? "") ?? []
          return name === undefined ? [] : name.split(",").map((part) => imageId(part.trim()))
        })
      ),
      mapEngineError(invalidArchive)
    )
  ),

  import: traced("Images.import")(<E, R>(archive: Stream.Stream<Uint8Array, E, R>, options: ImageImportOptions = {}) =>
    Effect.gen(function* () {
      const { changes, message, platform, reference } = options
      const target = reference === undefined ? undefined : yield* imageTarget(reference, "reference")
      const wanted = platform === undefined ? undefined : yield* parsePlatform(platform)
      const request = {
        method: "POST",
        path: "/images/create",
        // An image that is to be checked takes no name from another one before.
        query: { fromSrc: "-", ...(wanted === undefined ? target : {}), message, changes, platform },
        timeout
      } as const
      const lines = yield* uploadArchive(docker, request, archive)
      const found = lines
        .map((line) => textAt(line, "status") ?? "")
        .findLast((text) => /^(sha256:)?[0-9a-f]{64}$/.test(text))
      if (found === undefined) return yield* undecodable(request, 200, "the response does not name the image")
      const id = imageId(found)
      if (wanted !== undefined) yield* checkImported(docker, id, options, wanted)
      // Podman ignores the tag.
      if (target !== undefined) {
        yield* docker.json({ method: "POST", path: `/images/${encodeURIComponent(id)}/tag`, query: target })
      }
      return id
    }).pipe(mapEngineError((error) => importError(options, error)))
  )
})
