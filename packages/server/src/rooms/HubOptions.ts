import type { RingLimits } from "./Ring.js"
import type { ViewerLimits } from "./Viewer.js"

/**
 * The limits of a hub.
 *
 * @since 0.1.0
 * @category models
 */
export interface HubOptions {
  /** What each room keeps for replay. Default: 20,000 events, 8 MiB, one hour. */
  readonly ring: RingLimits
  /** Bytes of memory that all rooms together take for replay. Default: 128 MiB. */
  readonly bytes: number
  /** The size at which a frame is full, in characters. Default: 128 Ki. */
  readonly frameCharacters: number
  /** When a viewer is too slow. Default: 4 MiB pending, or 30 seconds without progress. */
  readonly viewer: ViewerLimits
}

/**
 * The default limits of a hub.
 *
 * @since 0.1.0
 * @category constructors
 */
export const defaultHubOptions: HubOptions = {
  ring: { lines: 20_000, bytes: 8 * 1024 * 1024, age: 60 * 60 * 1000 },
  bytes: 128 * 1024 * 1024,
  frameCharacters: 128 * 1024,
  viewer: { hardBytes: 4 * 1024 * 1024, stall: 30_000 }
}
