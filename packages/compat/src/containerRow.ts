/**
 * The rows of `get_containers`.
 *
 * @since 0.1.0
 */
import type { ContainerSummary } from "@dockwire/core/Containers"
import { portsText } from "./portsText.js"

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

const shortId = (id: string) => id.replace(/^sha256:/, "").slice(0, 12)

/** The image as `docker ps` prints it: without a digest, or a short id if the image no longer has a name. */
const imageText = (image: string, imageId: string): string =>
  image === ""
    ? "<no image>"
    : shortId(image) === shortId(imageId)
      ? shortId(image)
      : image.replace(/@sha256:[0-9a-f]{64}$/, "").replace(/^docker\.io\/(library\/)?/, "")

/** Formats a Unix time as the docker command does, but always in UTC. A time that no calendar has is `unknown`. */
export const createdText = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) return "unknown"
  // Years that do not have four digits have a sign and six digits in ISO 8601.
  const [, year = "", rest = ""] = /^([+-]?\d+)(-.{5}T.{8})/.exec(date.toISOString()) ?? []
  const digits = String(Math.abs(Number(year))).padStart(4, "0")
  return `${Number(year) < 0 ? "-" : ""}${digits}${rest.replace("T", " ")} +0000 UTC`
}

/** Converts a container to a row. */
export const containerRow = (container: ContainerSummary): ContainerRow => ({
  id: shortId(container.id),
  name: container.name,
  image: imageText(container.image, container.imageId),
  status: container.status,
  created: createdText(container.created),
  ports: portsText(container.ports)
})
