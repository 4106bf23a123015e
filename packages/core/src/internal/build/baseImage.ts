import { familiarReference, type ImageReference, readImageReference } from "../registry/imageReference.js"

/** How BuildKit, the classic builder and Podman name a step that gets an image. */
const names: ReadonlyArray<RegExp> = [
  /^\[internal\] load metadata for (\S+)/,
  /^resolve image config for (?:docker-image:\/\/)?(\S+)/,
  /^docker-image:\/\/(\S+)/,
  /^(?:\[[^\]]*\] )?FROM (\S+)/,
  /^(?:\[\d+\/\d+\] )?(?:Step|STEP) \d+\/\d+ ?: FROM (?:--\S+ )*(\S+)/i,
  /^(?:\[\d+\/\d+\] )?(?:Step|STEP) \d+\/\d+ ?: COPY (?:--\S+ )*?--from=(\S+)/i
]

/** Whether a step gets an image. */
export const isImageStep = (step: string): boolean => names.some((name) => name.test(step))

/** The image that BuildKit's error is about. */
const inDetail = /failed to resolve source metadata for (\S+): /

/** What BuildKit says if it cannot fetch a layer. It does so for the first step that needs the files, whatever that step is. */
const fetching = /httpReadSeeker: |failed commit on ref "|unexpected commit digest |short read: expected \d+ bytes/

const layerAddress = /https?:\/\/([^/\s]+)\/v2\/(\S+?)\/blobs\//

/** The image whose layer could not be fetched: the one that the address of the layer tells, or the only one. */
const fetchedImage = (detail: string, images: ReadonlySet<string>): string | undefined => {
  if (!fetching.test(detail)) return undefined
  const [, host, repository] = layerAddress.exec(detail) ?? []
  if (host === undefined) return images.size === 1 ? [...images][0] : undefined
  return [...images].find((image) => {
    const reference = readImageReference(image)
    return typeof reference !== "string" && reference.repository === repository && hostOf(reference) === host
  })
}

/** Where the engine looks for an image. */
const hostOf = ({ registry }: ImageReference): string => (registry === "docker.io" ? "registry-1.docker.io" : registry)

/** An image that a Dockerfile takes, as the docker command prints it, with its parts. */
export interface BaseImage {
  readonly image: string
  readonly reference: ImageReference
}

/** The image that a step gets, or that an error is about, if it is about one. `images` are those that the Dockerfile names. */
export const baseImageOf = (
  step: string | undefined,
  detail: string,
  images: ReadonlySet<string>
): BaseImage | undefined => {
  const found =
    names.map((name) => name.exec(step ?? "")?.[1]).find((name) => name !== undefined) ??
    inDetail.exec(detail)?.[1] ??
    fetchedImage(detail, images)
  // With a variable in it, it is one of those images that the Dockerfile names with their variables replaced.
  const named =
    found?.includes("$") === true
      ? images.size === 1
        ? [...images][0]
        : [...images].find((name) => detail.includes(name))
      : found
  if (named === undefined) return undefined
  const reference = readImageReference(named)
  if (typeof reference === "string") return undefined
  const { digest: _, ...tagged } = reference
  return { image: familiarReference(reference.tag === undefined ? reference : tagged), reference }
}
