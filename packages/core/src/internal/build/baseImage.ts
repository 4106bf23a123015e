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

/** The image that BuildKit's error is about. */
const inDetail = /failed to resolve source metadata for (\S+): /

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
    names.map((name) => name.exec(step ?? "")?.[1]).find((name) => name !== undefined) ?? inDetail.exec(detail)?.[1]
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
