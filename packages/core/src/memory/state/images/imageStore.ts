import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { InvalidRequest } from "../../../DockerError.js"
import { familiarName, withDefaultTag } from "../../programs/imageReference.js"
import type { EngineClock } from "../../time/engineClock.js"
import { type ErrorResponse, errorResponse } from "../errorResponse.js"
import { addFiles, type FileContents, type MemoryDirectory, newDirectory } from "../fileTree.js"
import {
  chainIds,
  emptyConfig,
  enginePlatform,
  type ImageConfig,
  type ImageContent,
  newLayer,
  withId
} from "./imageContent.js"
import type { MemoryImageSpec } from "./imageSpec.js"

/** An image of the engine. */
export interface MemoryImage extends ImageContent {
  /** References with a tag, such as `busybox:latest`. */
  tags: ReadonlyArray<string>
  /** References with a digest, such as `busybox@sha256:...`. */
  digests: ReadonlyArray<string>
  lastTagged: bigint | undefined
  /** The id of the image that a build step started from; empty for other images. */
  readonly parent: string
}

/** The size reported for an image that the engine starts with, in bytes. */
const imageSize = 2_000_000

/** The directories in every image, with their modes. */
const rootDirectories: Readonly<Record<string, number>> = {
  bin: 0o755,
  dev: 0o755,
  etc: 0o755,
  home: 0o755,
  proc: 0o755,
  root: 0o700,
  sys: 0o755,
  tmp: 0o1777,
  usr: 0o755,
  var: 0o755
}

/** The root directory of an image: standard directories, and the given files. */
export const newRoot = (now: bigint, contents: FileContents = {}): Effect.Effect<MemoryDirectory, InvalidRequest> => {
  const files = newDirectory(now)
  for (const [directory, mode] of Object.entries(rootDirectories)) {
    files.children.set(directory, newDirectory(now, mode))
  }
  return Effect.as(addFiles(files, contents, now), files)
}

/** The configuration of an image that is given as an option. */
export const specConfig = ({
  command,
  entrypoint,
  environment = { PATH: "/bin" },
  labels = {}
}: Omit<MemoryImageSpec, "name">): ImageConfig => ({
  ...emptyConfig,
  command: command ?? (entrypoint === undefined ? ["sh"] : undefined),
  entrypoint,
  env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
  labels
})

/** The engine's images, by id. */
export class ImageStore extends Map<string, MemoryImage> {
  constructor(readonly clock: EngineClock) {
    super()
  }

  /** Adds an image that the engine starts with. */
  add(spec: MemoryImageSpec): Effect.Effect<MemoryImage, InvalidRequest> {
    return Effect.gen(this, function* () {
      const created = yield* this.clock.now
      const tag = familiarName(spec.name)
      const content = withId({
        created,
        comment: "",
        platform: enginePlatform,
        config: specConfig(spec),
        layers: [newLayer(tag, imageSize)],
        history: [{ created, createdBy: "", comment: "", size: imageSize, emptyLayer: false }],
        files: yield* newRoot(created, spec.files)
      })
      const image = this.keep(content)
      this.tag(image, tag, created)
      return image
    })
  }

  /** Adds an image, or returns the one that is there already. */
  keep(content: ImageContent, parent = ""): MemoryImage {
    const existing = this.get(content.id)
    if (existing !== undefined) return existing
    const image: MemoryImage = { ...content, tags: [], digests: [], lastTagged: undefined, parent }
    this.set(content.id, image)
    return image
  }

  /** Gives an image a tag, taking it from the image that had it. */
  tag(image: MemoryImage, tag: string, now: bigint): void {
    for (const other of this.values()) other.tags = other.tags.filter((existing) => existing !== tag)
    image.tags = [...image.tags, tag].toSorted()
    image.lastTagged = now
  }

  /** Gives an image a reference by digest. */
  addDigest(image: MemoryImage, reference: string): void {
    if (!image.digests.includes(reference)) image.digests = [...image.digests, reference].toSorted()
  }

  /** The images that were built on this one. */
  children({ id }: MemoryImage): ReadonlyArray<MemoryImage> {
    return [...this.values()].filter(({ parent }) => parent === id)
  }

  /** Whether the engine has a layer, which is identified by the digest of its content. */
  hasLayer(diffId: string): boolean {
    return [...this.values()].some(({ layers }) => layers.some((layer) => layer.diffId === diffId))
  }

  /** The layers in use, by the ids of them on top of those below them, with their sizes in bytes. */
  get layerSizes(): ReadonlyMap<string, number> {
    const sizes = new Map<string, number>()
    for (const image of this.values()) {
      for (const [index, id] of chainIds(image).entries()) sizes.set(id, image.layers[index]?.size ?? 0)
    }
    return sizes
  }

  /** Finds an image by reference, by id, or by an id prefix of four digits or more. */
  find(reference: string): Either.Either<MemoryImage, ErrorResponse> {
    const name = familiarName(reference)
    const untagged = name.replace(/:[^:/@]+(?=@)/, "")
    const digits = reference.replace(/^sha256:/, "")
    const all = [...this.values()]
    const image =
      all.find(({ digests, tags }) => tags.includes(name) || digests.includes(untagged)) ??
      (/^[0-9a-f]{4,64}$/.test(digits) ? all.find(({ id }) => id.startsWith(`sha256:${digits}`)) : undefined)
    return image === undefined
      ? Either.left(errorResponse(404, `No such image: ${withDefaultTag(reference)}`))
      : Either.right(image)
  }
}
