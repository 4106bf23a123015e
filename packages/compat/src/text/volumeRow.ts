/**
 * The rows of `get_volumes`.
 *
 * @since 0.1.0
 */
import type { Volume } from "@dockwire/core/Volumes"
import { createdDate } from "./createdText.js"

/**
 * A volume as `get_volumes` lists it.
 *
 * @since 0.1.0
 * @category models
 */
export interface VolumeRow {
  name: string
  driver: string
  /** Path of the volume on the engine's host. */
  mountpoint: string
  /** `null` if the driver does not report it. */
  created: Date | null
}

/** Converts a volume to a row. */
export const volumeRow = ({ created, driver, mountpoint, name }: Volume): VolumeRow => ({
  name,
  driver,
  mountpoint,
  created: createdDate(created)
})
