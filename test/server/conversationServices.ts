import { Containers, Events, Logs, MemoryEngine, Stats } from "@dockwire/core"
import { EngineMonitor, Followers, Hub, type HubOptions, OperationHistory, StatsFollowers } from "@dockwire/server"
import { LogStore } from "../../packages/server/src/store/LogStore.js"
import * as Layer from "effect/Layer"

/** An engine in memory that has one container, `web`. */
export const webEngine = MemoryEngine.layer({
  containers: [{ name: "web", image: "busybox", command: ["sleep", "1000"] }]
})

/** What a `Conversation` works with. */
export type ConversationServices =
  | Containers
  | EngineMonitor
  | Followers
  | StatsFollowers
  | Hub
  | OperationHistory
  | Logs
  | LogStore

/** The services of conversations, with an engine that the test provides. */
export const conversationServices = (hub: Partial<HubOptions>) =>
  Layer.merge(Followers.layerWith({ linger: 50 }), StatsFollowers.layerWith({ linger: 50 })).pipe(
    Layer.provideMerge(EngineMonitor.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        Containers.layer,
        Events.layer,
        Logs.layer,
        Stats.layer,
        Hub.layerWith(hub),
        OperationHistory.layerNone,
        LogStore.layerNone("No logs are kept.")
      )
    )
  )
