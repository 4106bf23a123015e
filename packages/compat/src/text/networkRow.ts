/**
 * The rows of `get_networks`.
 *
 * @since 0.1.0
 */
import type { Network } from "@dockwire/core/Networks"
import { createdDate } from "./createdText.js"
import { shortId } from "./shortId.js"

/**
 * A network as `get_networks` lists it.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkRow {
  /** The first 12 digits of the id. */
  id: string
  name: string
  driver: string
  scope: string
  /** `null` if the engine does not report it. */
  created: Date | null
}

/** Converts a network to a row. */
export const networkRow = ({ created, driver, id, name, scope }: Network): NetworkRow => ({
  id: shortId(id),
  name,
  driver,
  scope,
  created: createdDate(created)
})
