import { createHash } from "node:crypto"
import { nanosTimestamp } from "../../../internal/api/engineTime.js"
import type { MemoryDirectory } from "../fileTree.js"

/** The defaults that an image sets for its containers. */
export interface ImageConfig {
  readonly command: ReadonlyArray<string> | undefined
  readonly entrypoint: ReadonlyArray<string> | undefined
  /** `NAME=value` entries. */
  readonly env: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
  /** Such as `80/tcp`. */
  readonly exposedPorts: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
  readonly user: string
  readonly workingDirectory: string
  readonly stopSignal: string
  /** The `Test` of a health check; empty for none. */
  readonly healthTest: ReadonlyArray<string>
  readonly onBuild: ReadonlyArray<string>
  /** The image that a build step started from; empty for others. */
  readonly base: string
}

/** A configuration that sets nothing. */
export const emptyConfig: ImageConfig = {
  command: undefined,
  entrypoint: undefined,
  env: [],
  labels: {},
  exposedPorts: [],
  volumes: [],
  user: "",
  workingDirectory: "",
  stopSignal: "",
  healthTest: [],
  onBuild: [],
  base: ""
}

/** A layer of an image. */
export interface MemoryLayer {
  /** The digest of its content. */
  readonly diffId: string
  /** The digest of its compressed content, by which registries know it. */
  readonly digest: string
  /** In bytes. */
  readonly size: number
  /** In bytes. */
  readonly compressedSize: number
}

/** A step that created an image. */
export interface HistoryEntry {
  readonly created: bigint
  readonly createdBy: string
  readonly comment: string
  /** The size of its layer, in bytes. */
  readonly size: number
  /** Whether it added no layer. */
  readonly emptyLayer: boolean
}

/** The platform of an image. */
export interface ImagePlatform {
  readonly os: string
  readonly architecture: string
  readonly variant: string
}

/** The platform of the engine. */
export const enginePlatform: ImagePlatform = { os: "linux", architecture: "amd64", variant: "" }

/** What an image consists of. */
export interface ImageContent {
  /** `sha256:` and the digest of the configuration. */
  readonly id: string
  readonly created: bigint
  readonly comment: string
  readonly platform: ImagePlatform
  readonly config: ImageConfig
  /** From the base up. */
  readonly layers: ReadonlyArray<MemoryLayer>
  /** Oldest first. */
  readonly history: ReadonlyArray<HistoryEntry>
  /** The root directory that its containers start with. */
  readonly files: MemoryDirectory
  /** The configuration of a loaded image as it was in the archive. */
  readonly source?: string
}

/** A digest as it is written in references. */
export const digestOf = (content: string | Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`

/** The first twelve digits of a digest or id. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12)

/** A platform as text, such as `linux/arm64`. */
export const platformText = ({ architecture, os, variant }: ImagePlatform): string =>
  [os, architecture, ...(variant === "" ? [] : [variant])].join("/")

/** Parses `os/architecture[/variant]`. `undefined` if it is something else. */
export const parsePlatform = (text: string): ImagePlatform | undefined => {
  const [, os = "", architecture = "", variant = ""] = /^(\w+)\/(\w+)(?:\/(\w+))?$/.exec(text) ?? []
  return os === "" ? undefined : { os, architecture, variant }
}

const keys = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, {}]))

/** `Config` of an image in the engine's form. */
export const configView = (config: ImageConfig) => ({
  Hostname: "",
  Domainname: "",
  User: config.user,
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: keys(config.exposedPorts) }),
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: config.env.length === 0 ? null : config.env,
  Cmd: config.command ?? null,
  ...(config.healthTest.length === 0 ? {} : { Healthcheck: { Test: config.healthTest } }),
  Image: config.base,
  Volumes: config.volumes.length === 0 ? null : keys(config.volumes),
  WorkingDir: config.workingDirectory,
  Entrypoint: config.entrypoint ?? null,
  OnBuild: config.onBuild.length === 0 ? null : config.onBuild,
  Labels: Object.keys(config.labels).length === 0 ? null : config.labels,
  ...(config.stopSignal === "" ? {} : { StopSignal: config.stopSignal })
})

/** The configuration as it is stored in archives and registries. Its digest is the image's id. */
export const configJson = (content: Omit<ImageContent, "id" | "files">): string =>
  JSON.stringify({
    architecture: content.platform.architecture,
    ...(content.platform.variant === "" ? {} : { variant: content.platform.variant }),
    ...(content.comment === "" ? {} : { comment: content.comment }),
    config: configView(content.config),
    created: nanosTimestamp(content.created),
    history: content.history.map(({ comment, created, createdBy, emptyLayer }) => ({
      created: nanosTimestamp(created),
      ...(createdBy === "" ? {} : { created_by: createdBy }),
      ...(comment === "" ? {} : { comment }),
      ...(emptyLayer ? { empty_layer: true } : {})
    })),
    os: content.platform.os,
    rootfs: { type: "layers", diff_ids: content.layers.map(({ diffId }) => diffId) }
  })

/** Completes the content of an image with its id. */
export const withId = (content: Omit<ImageContent, "id">): ImageContent => ({
  ...content,
  id: digestOf(configJson(content))
})

/** A layer with made-up digests that follow from `name`. */
export const newLayer = (name: string, size: number, compressedSize = size): MemoryLayer => ({
  diffId: digestOf(`layer ${name}`),
  digest: digestOf(`compressed layer ${name}`),
  size,
  compressedSize
})

/** The size of an image, in bytes. */
export const contentSize = ({ layers }: Pick<ImageContent, "layers">): number =>
  layers.reduce((sum, { size }) => sum + size, 0)

/** The ids of an image's layers on top of those below them, from the base up. */
export const chainIds = ({ layers }: Pick<ImageContent, "layers">): ReadonlyArray<string> => {
  const ids: Array<string> = []
  for (const { diffId } of layers) {
    const below = ids.at(-1)
    ids.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return ids
}

/** The manifest of an image as registries store it. */
export const manifestJson = ({ id, layers }: Pick<ImageContent, "id" | "layers">): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: { mediaType: "application/vnd.docker.container.image.v1+json", digest: id },
    layers: layers.map(({ compressedSize, digest }) => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      size: compressedSize,
      digest
    }))
  })
