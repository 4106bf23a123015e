import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../Docker.js"
import { decodeResponse, decodeWithRaw, nullable, requestDecoded, StringRecord } from "../api/decode.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { traced } from "../api/traced.js"
import { imageNotFound, imagePath } from "./imageErrors.js"
import type { ImageDefaults, ImageDetails, ImageHistoryStep } from "./imageModels.js"

const Texts = nullable(Schema.Array(Schema.String))
const Keys = nullable(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

const EngineDefaults = Schema.Struct({
  Cmd: Texts,
  Entrypoint: Texts,
  Env: Texts,
  ExposedPorts: Keys,
  Volumes: Keys,
  Labels: nullable(StringRecord),
  User: nullable(Schema.String),
  WorkingDir: nullable(Schema.String),
  StopSignal: nullable(Schema.String)
})

const decodeHistory = decodeResponse(
  Schema.Array(
    Schema.Struct({
      Id: Schema.String,
      Created: Schema.Number,
      CreatedBy: Schema.String,
      Size: Schema.Number,
      Tags: Texts,
      Comment: nullable(Schema.String)
    })
  )
)

/** Podman writes an id without its algorithm. */
export const imageId = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? `sha256:${id}` : id)

/** An image that was built without a base, or the parent of one, is listed with this instead of a name. */
export const realReferences = (references: ReadonlyArray<string> | null | undefined): ReadonlyArray<string> =>
  (references ?? []).filter((reference) => !reference.startsWith("<none>"))

const environment = (entries: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    entries.map((entry) => {
      const end = entry.indexOf("=")
      return end < 0 ? [entry, ""] : [entry.slice(0, end), entry.slice(end + 1)]
    })
  )

const imageDefaults = (config: Partial<typeof EngineDefaults.Type>): ImageDefaults => ({
  command: config.Cmd ?? [],
  entrypoint: config.Entrypoint ?? [],
  environment: environment(config.Env ?? []),
  exposedPorts: Object.keys(config.ExposedPorts ?? {}),
  volumes: Object.keys(config.Volumes ?? {}),
  labels: config.Labels ?? {},
  user: config.User ?? "",
  workingDirectory: config.WorkingDir ?? "",
  ...(config.StopSignal == null || config.StopSignal === "" ? {} : { stopSignal: config.StopSignal })
})

/** Decodes the response of `GET /images/{name}/json`. */
const decodeDetails = decodeWithRaw(
  Schema.Struct({
    Id: Schema.String,
    RepoTags: Texts,
    RepoDigests: Texts,
    Created: nullable(Schema.String),
    Os: nullable(Schema.String),
    Architecture: nullable(Schema.String),
    Variant: nullable(Schema.String),
    Size: nullable(Schema.Number),
    RootFS: nullable(Schema.Struct({ Layers: Texts })),
    Config: nullable(EngineDefaults)
  }),
  (image, raw): ImageDetails => ({
    id: imageId(image.Id),
    tags: realReferences(image.RepoTags),
    digests: realReferences(image.RepoDigests),
    ...(image.Created == null || image.Created === "" ? {} : { created: image.Created }),
    platform: {
      os: image.Os ?? "",
      architecture: image.Architecture ?? "",
      ...(image.Variant == null || image.Variant === "" ? {} : { variant: image.Variant })
    },
    size: image.Size ?? 0,
    layers: image.RootFS?.Layers ?? [],
    defaults: imageDefaults(image.Config ?? {}),
    raw
  })
)

/** Methods of `Images` that read from one image: `inspect` and `history`. */
export const imageInspection = (docker: DockerShape) => ({
  inspect: traced("Images.inspect")((image: string) =>
    imagePath(image, "/json").pipe(
      Effect.flatMap((path) => requestDecoded(docker, { method: "GET", path }, decodeDetails)),
      mapEngineError((error) => imageNotFound(image, error))
    )
  ),

  history: traced("Images.history")((image: string) =>
    imagePath(image, "/history").pipe(
      Effect.flatMap((path) => requestDecoded(docker, { method: "GET", path }, decodeHistory)),
      Effect.map((steps) =>
        steps.map(({ Comment, Created, CreatedBy, Id, Size, Tags }): ImageHistoryStep => ({
          ...(Id === "" || Id === "<missing>" ? {} : { id: imageId(Id) }),
          created: Created,
          createdBy: CreatedBy,
          size: Size,
          tags: realReferences(Tags),
          comment: Comment ?? ""
        }))
      ),
      mapEngineError((error) => imageNotFound(image, error))
    )
  )
})
