import { RoomLog } from "@dockwire/server"
import { describeRoomLog } from "./roomLogSuite.js"

describeRoomLog("in memory", RoomLog.layerMemory, { keeps: 0 })
