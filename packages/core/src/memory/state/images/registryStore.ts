import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../../DockerError.js"
import { familiarName } from "../../programs/imageReference.js"
import type { EngineClock } from "../../time/engineClock.js"
import { digestOf, type ImageContent, manifestJson, newLayer, parsePlatform, withId } from "./imageContent.js"
import type { MemoryLayerSpec, MemoryRegistryFault, MemoryRegistryImageSpec, MemoryRegistrySpec } from "./imageSpec.js"
import { newRoot, specConfig } from "./imageStore.js"

/** The host of Docker Hub in image references. */
export const hubHost = "docker.io"

/** An image in a registry. */
export interface RegistryImage {
  /** The digest of its manifest, or of the list of its manifests. */
  readonly digest: string
  /** One for each platform. */
  readonly contents: ReadonlyArray<ImageContent>
  readonly fault: MemoryRegistryFault | undefined
}

/** A registry, and what it has. */
export class MemoryRegistry {
  /** Images by repository and tag, such as `library/busybox:latest`. */
  readonly images = new Map<string, RegistryImage>()
  constructor(readonly spec: MemoryRegistrySpec) {}

  /** The tags of a repository, in order. */
  tags(repository: string): ReadonlyArray<string> {
    return [...this.images.keys()]
      .filter((name) => name.startsWith(`${repository}:`))
      .map((name) => name.slice(repository.length + 1))
      .toSorted()
  }

  /** Finds an image by tag or digest. */
  find(repository: string, tagOrDigest: string): RegistryImage | undefined {
    return (
      this.images.get(`${repository}:${tagOrDigest}`) ??
      this.tags(repository)
        .map((tag) => this.images.get(`${repository}:${tag}`))
        .find((image) => image?.digest === tagOrDigest)
    )
  }

  /** The repositories that have a layer, which is identified by the digest of its content. */
  repositoriesOf(diffId: string): ReadonlyArray<string> {
    return [...this.images].flatMap(([name, { contents }]) =>
      contents.some(({ layers }) => layers.some((layer) => layer.diffId === diffId))
        ? [name.slice(0, name.lastIndexOf(":"))]
        : []
    )
  }
}

/** The digest under which a registry lists images: of the manifest, or of the list of several. */
const manifestDigest = (contents: ReadonlyArray<ImageContent>): string => {
  const [first, ...others] = contents.map((content) => digestOf(manifestJson(content)))
  return first !== undefined && others.length === 0 ? first : digestOf(JSON.stringify([first, ...others]))
}

/** The entry of an image in a registry. */
export const registryImage = (contents: ReadonlyArray<ImageContent>, fault?: MemoryRegistryFault): RegistryImage => ({
  digest: manifestDigest(contents),
  contents,
  fault
})

/** The registries that the engine can reach, by host. */
export class RegistryStore extends Map<string, MemoryRegistry> {
  /** How layers are sent, by digest. */
  readonly layers = new Map<string, MemoryLayerSpec>()
  /** Faults that were injected later, by host. */
  readonly faults = new Map<string, MemoryRegistryFault>()

  constructor(readonly clock: EngineClock) {
    super()
  }

  /** Adds a registry with its images. */
  add(spec: MemoryRegistrySpec): Effect.Effect<void, InvalidRequest> {
    return Effect.gen(this, function* () {
      const host = spec.host ?? hubHost
      const registry = new MemoryRegistry(spec)
      this.set(host, registry)
      for (const image of spec.images ?? []) {
        const name = familiarName(image.name)
        const path = host === hubHost && !name.includes("/") ? `library/${name}` : name
        const contents = yield* this.#contents(`${host}/${path}`, image)
        registry.images.set(path, registryImage(contents, image.fault))
      }
    })
  }

  #contents(name: string, spec: MemoryRegistryImageSpec): Effect.Effect<ReadonlyArray<ImageContent>, InvalidRequest> {
    return Effect.gen(this, function* () {
      const created = yield* this.clock.now
      const files = yield* newRoot(created, spec.files)
      const layers = (spec.layers ?? [{ size: 1_000_000 }]).map((layer, index) => {
        const content = newLayer(layer.name ?? `${index} of ${name}`, layer.size)
        if (!this.layers.has(content.digest)) this.layers.set(content.digest, layer)
        return content
      })
      return yield* Effect.forEach(spec.platforms ?? ["linux/amd64"], (text) => {
        const platform = parsePlatform(text)
        if (platform === undefined) {
          const detail = "must be an operating system and an architecture, such as linux/arm64"
          return new InvalidRequest({ field: "platforms", value: text, detail })
        }
        const history = layers.map(({ size }) => ({ created, createdBy: "", comment: "", size, emptyLayer: false }))
        return Effect.succeed(
          withId({ created, comment: "", platform, config: specConfig(spec), layers, history, files })
        )
      })
    })
  }
}
