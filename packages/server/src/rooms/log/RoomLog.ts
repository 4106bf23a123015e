/**
 * The numbers of the events in rooms.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { MemoryRoomLog } from "./MemoryRoomLog.js"
import type { RoomLogShape } from "./RoomLogShape.js"

/**
 * Numbers the events of rooms and carries them to all who listen. The hub hears of them, and does the rest: it remembers the
 * most recent ones and delivers them.
 *
 * @since 0.1.0
 * @category tags
 */
export class RoomLog extends Context.Tag("@dockwire/server/RoomLog")<RoomLog, RoomLogShape>() {
  /**
   * The log of the rooms of one process. Events are heard while they are offered. It keeps none: who begins to listen hears
   * only what comes then.
   */
  static readonly layerMemory: Layer.Layer<RoomLog> = Layer.sync(RoomLog, () => new MemoryRoomLog())
}
