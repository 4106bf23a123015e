import { createHash, randomBytes } from "node:crypto"
import { gzipSync } from "node:zlib"

/** Something that a registry stores. */
export interface RegistryContent {
  readonly digest: string
  readonly type: string
  readonly bytes: Buffer
}

/** An image that a test can put into a registry. */
export interface RegistryImage {
  readonly manifest: RegistryContent
  /** The layers, the base first. */
  readonly layers: ReadonlyArray<RegistryContent>
  /** Everything that the manifest names: the layers and the configuration. */
  readonly blobs: ReadonlyArray<RegistryContent>
}

/** How a test image is made. */
export interface RegistryImageOptions {
  /** The layers: the size of one that is new, or one of another image. */
  readonly layers: ReadonlyArray<number | RegistryContent>
  /** `linux/amd64` unless given. */
  readonly platform?: string
  /** When it says that it was created; in 2024 unless given. */
  readonly created?: string
}

const layerType = "application/vnd.docker.image.rootfs.diff.tar.gzip"

const content = (type: string, bytes: Buffer): RegistryContent => ({
  digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
  type,
  bytes
})

const json = (type: string, value: unknown): RegistryContent => content(type, Buffer.from(JSON.stringify(value)))

/** A tar archive with one file. */
const tarOf = (name: string, bytes: Buffer): Buffer => {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write("0000644\0", 100)
  header.write("0000000\0", 108)
  header.write("0000000\0", 116)
  header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124)
  header.write("00000000000\0", 136)
  header.write("        ", 148)
  header.write("0", 156)
  header.write("ustar\0" + "00", 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512), Buffer.alloc(1024)])
}

/** The uncompressed digest of each layer made here. */
const diffIds = new WeakMap<RegistryContent, string>()

/** A layer of about this many bytes that no other image has. Its content cannot be compressed. */
export const registryLayer = (size: number): RegistryContent => {
  const name = randomBytes(6).toString("hex")
  const tar = tarOf(name, randomBytes(size))
  const layer = content(layerType, gzipSync(tar, { level: 1 }))
  diffIds.set(layer, `sha256:${createHash("sha256").update(tar).digest("hex")}`)
  return layer
}

/** Makes an image. */
export const registryImage = ({
  created = "2024-01-01T00:00:00Z",
  layers,
  platform = "linux/amd64"
}: RegistryImageOptions): RegistryImage => {
  const [os = "", architecture = "", variant] = platform.split("/")
  const made = layers.map((layer) => (typeof layer === "number" ? registryLayer(layer) : layer))
  const config = json("application/vnd.docker.container.image.v1+json", {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    created,
    config: { Cmd: ["sh"], Labels: { unique: randomBytes(8).toString("hex") } },
    history: made.map(() => ({ created, created_by: "test" })),
    rootfs: { type: "layers", diff_ids: made.map((layer) => diffIds.get(layer) ?? "") }
  })
  const described = ({ bytes, digest, type }: RegistryContent) => ({ mediaType: type, size: bytes.length, digest })
  const type = "application/vnd.docker.distribution.manifest.v2+json"
  const manifest = json(type, {
    schemaVersion: 2,
    mediaType: type,
    config: described(config),
    layers: made.map(described)
  })
  return { manifest, layers: made, blobs: [...made, config] }
}

/** An image index: one image for each platform. */
export const registryIndex = (images: Readonly<Record<string, RegistryImage>>): RegistryContent => {
  const type = "application/vnd.docker.distribution.manifest.list.v2+json"
  const manifests = Object.entries(images).map(([platform, { manifest }]) => {
    const [os, architecture, variant] = platform.split("/")
    return {
      mediaType: manifest.type,
      size: manifest.bytes.length,
      digest: manifest.digest,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) }
    }
  })
  return json(type, { schemaVersion: 2, mediaType: type, manifests })
}
