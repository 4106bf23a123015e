/**
 * The rows of `get_containers`.
 *
 * @since 0.1.0
 */
import type { ContainerSummary } from "@dockwire/core/Containers"
import { createdText } from "./createdText.js"
import { familiarName } from "./familiarName.js"
import { portsText } from "./portsText.js"
import { shortId } from "./shortId.js"

/**
 * A container as `get_containers` lists it, with the texts of `docker ps`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerRow {
  /** The first 12 digits of the id. */
  id: string
  name: string
  image: string
  /** `Up 3 seconds` */
  status: string
  /** `2026-11-22 09:30:34 +0000 UTC` */
  created: string
  /** `127.0.0.1:18080->80/tcp` */
  ports: string
}

/** What is no reference is printed as it is. */
const withoutDigest = (image: string): string =>
  /^[\w.:/[\]-]+@sha256:[0-9a-f]{64}$/.test(image) ? image.slice(0, image.indexOf("@")) : image

/** The image as `docker ps` prints it: without a digest, or a short id if the image no longer has a name. */
const imageText = (image: string, imageId: string): string =>
  image === ""
    ? "<no image>"
    : shortId(image) === shortId(imageId)
      ? shortId(image)
      : familiarName(withoutDigest(image))

/** Converts a container to a row. */
export const containerRow = (container: ContainerSummary): ContainerRow => ({
  id: shortId(container.id),
  name: container.name,
  image: imageText(container.image, container.imageId),
  status: container.status,
  created: createdText(container.created),
  ports: portsText(container.ports)
})
