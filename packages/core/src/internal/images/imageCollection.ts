import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../Docker.js"
import { type EngineError, InvalidRequest } from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded, StringRecord } from "../api/decode.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { filtersQuery, invalidFilter, pruneRefused, type PruneReport } from "../api/filters.js"
import { traced } from "../api/traced.js"
import { ambiguousImage, imageInUse, imageNotFound, imagePath } from "./imageErrors.js"
import { imageId, realReferences } from "./imageInspection.js"
import type { ImageSummary, RemovedImage } from "./imageModels.js"
import { imageTarget } from "./imageTarget.js"

/**
 * Options of `Images.list`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImageListOptions {
  /** Whether to include the intermediate images of the classic builder. Default `false`. */
  readonly all?: boolean
  /** The engine's filters, such as `{ reference: ["busybox:*"], dangling: ["true"], label: ["a=b"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

/**
 * Options of `Images.remove`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImageRemoveOptions {
  /** Also removes an image that a stopped container uses, or that has several tags and is named by its id. Default `false`. */
  readonly force?: boolean
  /** Whether to delete untagged parents as well. Default `true`. */
  readonly pruneParents?: boolean
}

/**
 * Options of `Images.prune`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImagePruneOptions {
  /** Also removes tagged images that no container uses. Default `false`: only dangling ones. */
  readonly all?: boolean
  /** The engine's filters, such as `{ until: ["24h"], label: ["a=b"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

/**
 * Options of `Images.pruneBuildCache`.
 *
 * @since 0.1.0
 * @category models
 */
export interface BuildCachePruneOptions {
  /** Also removes what the builder itself uses, such as the cached bases of images. Default `false`. */
  readonly all?: boolean
  /** How many bytes of cache to keep. Default 0. */
  readonly keepStorage?: number
  /** The engine's filters, such as `{ until: ["24h"], type: ["exec.cachemount"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

const Texts = nullable(Schema.Array(Schema.String))

const decodeList = decodeResponse(
  Schema.NullOr(
    Schema.Array(
      Schema.Struct({
        Id: Schema.String,
        RepoTags: Texts,
        RepoDigests: Texts,
        Created: Schema.Number,
        Size: Schema.Number,
        Labels: nullable(StringRecord),
        ParentId: nullable(Schema.String),
        Containers: nullable(Schema.Number)
      })
    )
  )
)

const Removals = Schema.Array(Schema.Struct({ Untagged: nullable(Schema.String), Deleted: nullable(Schema.String) }))
const decodeRemoved = decodeResponse(Schema.NullOr(Removals))
const decodePruned = decodeResponse(
  Schema.Struct({ ImagesDeleted: nullable(Removals), SpaceReclaimed: Schema.optional(Schema.Number) })
)
const decodeCachePruned = decodeResponse(
  Schema.Struct({ CachesDeleted: Texts, SpaceReclaimed: Schema.optional(Schema.Number) })
)

/** Removing or pruning images deletes files, which takes the engine a while. */
const deletionTimeout = "10 minutes"

const tagError = (image: string, target: string, error: EngineError) =>
  // The target has been checked before, so that a reference that is not valid is the image's.
  imageNotFound(image, error) ??
  ambiguousImage(image, error) ??
  (error.status === 400 ? new InvalidRequest({ field: "target", value: target, detail: error.detail }) : undefined)

/** Podman 4.3 adds a filter of its own, which contradicts that for all images. */
const pruneOfAllRefused = ({ detail }: EngineError): InvalidRequest | undefined =>
  /"dangling" filter more than once/.test(detail)
    ? new InvalidRequest({ field: "all", value: "true", detail: `this engine prunes only dangling images: ${detail}` })
    : undefined

const validateKeepStorage = (bytes: number | undefined): Effect.Effect<number | undefined, InvalidRequest> =>
  bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)
    ? Effect.succeed(bytes)
    : Effect.fail(
        new InvalidRequest({ field: "keepStorage", value: String(bytes), detail: "must be a whole number of bytes" })
      )

/** Methods of `Images` that change the collection: `list`, `tag`, `remove`, `prune` and `pruneBuildCache`. */
export const imageCollection = (docker: DockerShape) => ({
  list: traced("Images.list")((options: ImageListOptions = {}) =>
    requestDecoded(
      docker,
      {
        method: "GET",
        path: "/images/json",
        query: { all: options.all ?? false, filters: filtersQuery(options.filters) }
      },
      decodeList
    ).pipe(
      Effect.map((images) =>
        (images ?? []).map(
          ({ Containers, Created, Id, Labels, ParentId, RepoDigests, RepoTags, Size }): ImageSummary => ({
            id: imageId(Id),
            tags: realReferences(RepoTags),
            digests: realReferences(RepoDigests),
            created: Created,
            size: Size,
            labels: Labels ?? {},
            ...(ParentId == null || ParentId === "" ? {} : { parent: imageId(ParentId) }),
            ...(Containers == null || Containers < 0 ? {} : { containers: Containers })
          })
        )
      ),
      mapEngineError((error) =>
        error.status === 404 && options.filters !== undefined
          ? new InvalidRequest({ field: "filters", value: JSON.stringify(options.filters), detail: error.detail })
          : invalidFilter(options.filters, error)
      )
    )
  ),

  tag: traced("Images.tag")((image: string, target: string) =>
    Effect.gen(function* () {
      const query = yield* imageTarget(target, "target")
      const path = yield* imagePath(image, "/tag")
      yield* docker.json({ method: "POST", path, query })
    }).pipe(mapEngineError((error) => tagError(image, target, error)))
  ),

  remove: traced("Images.remove")((image: string, options: ImageRemoveOptions = {}) =>
    imagePath(image, "").pipe(
      Effect.flatMap((path) => {
        const query = { force: options.force ?? false, noprune: !(options.pruneParents ?? true) }
        return requestDecoded(docker, { method: "DELETE", path, query, timeout: deletionTimeout }, decodeRemoved)
      }),
      Effect.map((removals): RemovedImage => ({
        untagged: (removals ?? []).flatMap(({ Untagged }) => Untagged ?? []),
        deleted: (removals ?? []).flatMap(({ Deleted }) => (Deleted == null ? [] : imageId(Deleted)))
      })),
      mapEngineError((error) => imageNotFound(image, error) ?? imageInUse(image, error))
    )
  ),

  prune: traced("Images.prune")(({ all = false, filters }: ImagePruneOptions = {}) => {
    const query = { filters: filtersQuery({ dangling: [all ? "false" : "true"], ...filters }) }
    const request = { method: "POST", path: "/images/prune", query, timeout: deletionTimeout } as const
    return requestDecoded(docker, request, decodePruned).pipe(
      Effect.map(({ ImagesDeleted, SpaceReclaimed }): PruneReport => ({
        // An engine that keeps its images in containerd names an image without a tag twice.
        deleted: Array.from(
          new Set(
            (ImagesDeleted ?? []).flatMap(({ Deleted, Untagged }) => {
              const name = Deleted ?? Untagged
              return name == null ? [] : imageId(name)
            })
          )
        ),
        spaceReclaimed: SpaceReclaimed ?? 0
      })),
      mapEngineError((error) => (all ? pruneOfAllRefused(error) : undefined) ?? pruneRefused("images", filters)(error))
    )
  }),

  pruneBuildCache: traced("Images.pruneBuildCache")(({ all, filters, keepStorage }: BuildCachePruneOptions = {}) =>
    Effect.gen(function* () {
      const kept = yield* validateKeepStorage(keepStorage)
      // `keep-storage` was renamed in API 1.48. Engines ignore the name that they do not know.
      const query = { all, filters: filtersQuery(filters), "keep-storage": kept, "reserved-space": kept }
      const request = { method: "POST", path: "/build/prune", query, timeout: deletionTimeout } as const
      const { CachesDeleted, SpaceReclaimed } = yield* requestDecoded(docker, request, decodeCachePruned)
      return { deleted: CachesDeleted ?? [], spaceReclaimed: SpaceReclaimed ?? 0 } satisfies PruneReport
    }).pipe(mapEngineError(pruneRefused("build cache", filters)))
  )
})
