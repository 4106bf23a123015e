import type { RingLimits } from "./Ring.js"
import type { ViewerLimits } from "./Viewer.js"

/**
 * The limits of a hub.
 *
 * @since 0.1.0
 * @category models
 */
export interface HubOptions {
  /** What each room keeps for replay. Default: 20,000 events, 8 Mi characters, one hour. */
  readonly ring: RingLimits
  /** Characters that all rooms together keep for replay. Default: 128 Mi. */
  readonly characters: number
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
  ring: { lines: 20_000, characters: 8 * 1024 * 1024, age: 60 * 60 * 1000 },
  characters: 128 * 1024 * 1024,
  frameCharacters: 128 * 1024,
  viewer: { hardBytes: 4 * 1024 * 1024, stall: 30_000 }
}
