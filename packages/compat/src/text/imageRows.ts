/**
 * The rows of `get_images`.
 *
 * @since 0.1.0
 */
import type { ImageSummary } from "@dockwire/core/Images"
import { createdText } from "./createdText.js"
import { familiarName } from "./familiarName.js"
import { shortId } from "./shortId.js"
import { humanSize } from "./sizeText.js"

/**
 * An image as `get_images` lists it, with the texts of `docker images`: one for each tag.
 *
 * @since 0.1.0
 * @category models
 */
export interface ImageRow {
  /** `<none>` if the image has no name. */
  repository: string
  /** `<none>` if the image has no tag. */
  tag: string
  /** The first 12 digits of the id. */
  id: string
  /** `2026-11-22 09:08:44 +0000 UTC` */
  created: string
  /** `1.98MB` */
  size: string
}

const none = "<none>"

/** Converts an image to its rows. A repository that is known by digests only has one row, without a tag. */
export const imageRows = ({ created, digests, id, size, tags }: ImageSummary): Array<ImageRow> => {
  const row = (repository: string, tag: string): ImageRow => ({
    repository,
    tag,
    id: shortId(id),
    created: createdText(created),
    size: humanSize(size)
  })
  const tagged = tags.flatMap((reference) => {
    const colon = reference.lastIndexOf(":")
    const tag = reference.slice(colon + 1)
    return colon < 0 || tag.includes("/") ? [] : [row(familiarName(reference.slice(0, colon)), tag)]
  })
  const repositories = new Set(tagged.map(({ repository }) => repository))
  const untagged = new Set(digests.map((reference) => familiarName(reference.split("@", 1)[0] ?? "")))
  const rows = [...tagged, ...[...untagged].filter((name) => !repositories.has(name)).map((name) => row(name, none))]
  return rows.length === 0 ? [row(none, none)] : rows
}
