/** The handlers of `ImagesApi`. */
import { Docker } from "@dockwire/core/Docker"
import { canonicalReference, Images } from "@dockwire/core/Images"
import { RegistryAuth, type RegistryCredentials } from "@dockwire/core/RegistryAuth"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { toAccepted } from "../../Api/fields/Accepted.js"
import { Api } from "../../Api/Api.js"
import { toErrorBody } from "../../Api/Errors.js"
import { type IdempotencyKey, idempotencyKeyOf } from "../../Api/fields/IdempotencyKey.js"
import { archiveTypes } from "../../Api/Images.js"
import { Identity } from "../../access/Identity.js"
import type { OperationRequest } from "../../operations/OperationRequest.js"
import { Operations } from "../../operations/Operations.js"
import { pruneImages } from "./imageOperations.js"
import { receiveArchive } from "./receiveArchive.js"
import { contentType, unsupported } from "../request/bodyRefusals.js"
import { withoutRaw } from "../response/withoutRaw.js"

/** What two operations on an image have in common. */
const imageTarget = (image: string) => Effect.map(canonicalReference(image), (reference) => `image:${reference}`)

export const layer = HttpApiBuilder.group(Api, "images", (handlers) =>
  Effect.gen(function* () {
    const docker = yield* Docker
    const files = yield* FileSystem.FileSystem
    const images = yield* Images
    const operations = yield* Operations

    /** Images with the credentials of a request, for whichever registry is asked: it is that of its image. */
    const imagesWith = (credentials: RegistryCredentials) => {
      const auth = { find: () => Effect.succeed({ ...credentials, source: "the request" }) }
      const layer = Images.layer.pipe(Layer.provide([Layer.succeed(Docker, docker), Layer.succeed(RegistryAuth, auth)]))
      return Effect.provide(Images, layer)
    }

    /** Starts an operation in the name of who asked for it. */
    const start = (headers: typeof IdempotencyKey.Type, request: OperationRequest) =>
      Effect.flatMap(Identity, ({ name }) =>
        Effect.map(operations.start({ ...request, startedBy: name, ...idempotencyKeyOf(headers) }), toAccepted)
      )

    return handlers
      .handle("list", ({ urlParams }) => Effect.mapError(images.list(urlParams), toErrorBody))
      .handle("inspect", ({ path: { id }, urlParams: { raw = false } }) =>
        images.inspect(id).pipe(
          Effect.map((details) => withoutRaw(details, raw)),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("history", ({ path: { id } }) => Effect.mapError(images.history(id), toErrorBody))
      .handle("remove", ({ path: { id }, urlParams }) => Effect.mapError(images.remove(id, urlParams), toErrorBody))
      .handle("pull", ({ headers, payload: { credentials, image, ...options } }) =>
        Effect.gen(function* () {
          const target = yield* imageTarget(image)
          const { pull } = credentials === undefined ? images : yield* imagesWith(credentials)
          return yield* start(headers, { operation: pull(image, options), targets: [target], asked: options })
        }).pipe(Effect.mapError(toErrorBody))
      )
      .handleRaw("build", ({ headers, request, urlParams: { tag: tags = [], ...options } }) =>
        Effect.gen(function* () {
          const type = contentType(request, archiveTypes[0])
          if (!archiveTypes.some((each) => each === type)) return unsupported(type, archiveTypes)
          const targets = yield* Effect.mapError(Effect.forEach(tags, imageTarget), toErrorBody)
          const { content, remove } = yield* receiveArchive(request)
          const operation = images.build({ ...options, context: content, tags })
          const started = start(headers, { operation, targets, asked: options, release: remove })
          return HttpServerResponse.unsafeJson(yield* Effect.mapError(started, toErrorBody), { status: 202 })
        }).pipe(Effect.provideService(FileSystem.FileSystem, files))
      )
      .handle("prune", ({ headers, urlParams }) => {
        const operation = pruneImages(images, urlParams)
        return Effect.mapError(start(headers, { operation, targets: ["images"], asked: urlParams }), toErrorBody)
      })
  })
)
