/** Images over HTTP. */
import { ImageDetails, ImageHistoryStep, ImageSummary, RemovedImage } from "@dockwire/core/Models"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Errors from "./Errors.js"
import { optionalField } from "./fields/bodyFields.js"
import { operationEndpoint } from "./fields/operationEndpoint.js"
import { pathField } from "./fields/pathField.js"
import { filters, flag, text, textRecord, texts } from "./fields/queryFields.js"
import { rawQuery, withOptionalRaw } from "./fields/rawField.js"
import { ReadsBody } from "./fields/requestBody.js"
import { secretField } from "./fields/secretField.js"
import { RequiredScope } from "./RequiredScope.js"

const id = Schema.Struct({
  id: pathField(
    512,
    /^[a-zA-Z0-9[][a-zA-Z0-9_.:@/[\]-]*$/,
    "The image's reference, its id or the start of its id",
    "Pass an image's reference, with %2F for each slash, its id or the start of its id."
  )
})

/** Such as `linux/arm64/v8`. */
const platform = Schema.String.pipe(
  Schema.pattern(/^[a-zA-Z0-9_.-]+(\/[a-zA-Z0-9_.-]+){0,2}$/, {
    message: () => ({ message: "must be a platform, such as linux/arm64", override: true })
  })
)

const secretText = optionalField(Schema.Redacted(Schema.String), "Appears in no event, log, error or history")

/** Credentials for the registry of an image. */
export const Credentials = Schema.Struct({
  username: Schema.optionalWith(Schema.String, { exact: true }),
  password: secretText,
  identityToken: secretText,
  registryToken: secretText
}).annotations({ identifier: "RegistryCredentials" })

/** What to pull. */
export const PullRequest = Schema.Struct({
  image: Schema.String.annotations({ description: "Without a tag, it gets `latest`" }),
  platform: optionalField(platform, "Such as linux/arm64. Default: the engine's own"),
  credentials: Schema.optionalWith(Credentials.annotations(secretField), { exact: true }).annotations({
    description: "Default: those that the docker command of the server's machine would send"
  })
}).annotations({ identifier: "PullRequest" })

/** The longest archive that a build accepts, in bytes. */
export const maxArchiveBytes = 2 * 1024 ** 3

/** The content types of archives. */
export const archiveTypes = ["application/x-tar", "application/gzip", "application/octet-stream"] as const

const buildQuery = Schema.Struct({
  dockerfile: text("The path of the Dockerfile in the archive. Default: Dockerfile"),
  tag: texts("A reference for the image; repeat it for several. One without a tag gets `latest`"),
  buildArgs: textRecord(
    '{"VERSION":"1.0"}',
    "Values of the Dockerfile's ARGs. They stay in the image: pass no passwords"
  ),
  labels: textRecord('{"a":"b"}', "Labels of the image"),
  target: text("The stage to build. Default: the last one"),
  platform: Schema.optionalWith(platform, { exact: true }).annotations({ description: "Default: that of the engine" }),
  noCache: flag("Runs every instruction, even if its result is in the build cache"),
  pull: flag("Pulls the base images, even if the engine has them"),
  network: text("The network of RUN instructions: default, none or host")
})

/** Lists, inspects, pulls, builds and removes images. */
export class ImagesApi extends HttpApiGroup.make("images")
  .add(
    HttpApiEndpoint.get("list", "/")
      .setUrlParams(
        Schema.Struct({
          all: flag("Whether to include the intermediate images of the classic builder"),
          filters: filters('{"reference":["busybox:*"],"dangling":["true"]}')
        })
      )
      .addSuccess(Schema.Array(ImageSummary))
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("inspect", "/:id")
      .setPath(id)
      .setUrlParams(Schema.Struct(rawQuery))
      .addSuccess(withOptionalRaw(ImageDetails, "ImageDetails"))
      .addError(Errors.ImageNotFound)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("history", "/:id/history")
      .setPath(id)
      .addSuccess(Schema.Array(ImageHistoryStep))
      .addError(Errors.ImageNotFound)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.del("remove", "/:id")
      .setPath(id)
      .setUrlParams(
        Schema.Struct({
          force: flag(
            "Also removes an image that a stopped container uses, or that has several tags and is named by its id"
          ),
          pruneParents: flag("Whether to delete untagged parents as well. Default: true")
        })
      )
      .addSuccess(RemovedImage)
      .addError(Errors.ImageNotFound)
      .addError(Errors.ResourceInUse)
      .addError(Errors.EngineUnavailable)
      .addError(Errors.EngineError)
      .annotate(RequiredScope, "operate")
  )
  .add(
    operationEndpoint("pull", "/pull")
      .setPayload(PullRequest)
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
  )
  .add(
    operationEndpoint("build", "/build")
      .setUrlParams(buildQuery)
      .setPayload(HttpApiSchema.Uint8Array({ contentType: archiveTypes[0] }))
      .addError(Errors.BodyTooLarge)
      .addError(Errors.UnsupportedContentType)
      .addError(Errors.UploadFailed)
      .annotate(ReadsBody, true)
      .annotate(
        OpenApi.Description,
        "Builds an image from a tar archive, which may be compressed: the Dockerfile and the files that it copies. The build starts when the server has the whole archive."
      )
  )
  .add(
    operationEndpoint("prune", "/prune").setUrlParams(
      Schema.Struct({
        all: flag("Also removes tagged images that no container uses"),
        filters: filters('{"until":["24h"],"label":["a=b"]}')
      })
    )
  )
  .prefix("/api/images") {}
