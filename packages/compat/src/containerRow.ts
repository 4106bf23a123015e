import type { ContainerSummary } from "@dockwire/core/Containers"
import { portsText } from "./portsText.js"

/** A container as the old list showed it. */
export interface ContainerRow {
  /** The first 12 digits. */
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

/** As `docker ps` writes it: without a digest, and short where the image has no name left. */
const imageText = (image: string, imageId: string): string =>
  image === ""
    ? "<no image>"
    : shortId(image) === shortId(imageId)
      ? shortId(image)
      : image.replace(/@sha256:[0-9a-f]{64}$/, "").replace(/^docker\.io\/(library\/)?/, "")

/** A time in whole seconds as the docker command writes it, in UTC wherever this runs. */
export const createdText = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`

/** The container in the old shape. */
export const containerRow = (container: ContainerSummary): ContainerRow => ({
  id: shortId(container.id),
  // Links of old networks are names with a slash inside.
  name: container.names.find((name) => !name.includes("/")) ?? "",
  image: imageText(container.image, container.imageId),
  status: container.status,
  created: createdText(container.created),
  ports: portsText(container.ports)
})
