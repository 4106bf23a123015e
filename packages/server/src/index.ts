/**
 * The live log server, for programs that run it or build on it.
 *
 * @since 0.1.0
 */
export { Auth } from "./access/Auth.js"
export type { Authenticated, AuthOptions, AuthShape, Credential, CredentialHeaders } from "./access/Auth.js"
export { ConfigProblem, defaultDataDir } from "./Config.js"
export type { EngineChoice, KeptLogs, ServerConfig } from "./Config.js"
export { EngineMonitor } from "./engine/EngineMonitor.js"
export type { EngineMonitorOptions, EngineMonitorShape } from "./engine/EngineMonitor.js"
export type { KnownContainer } from "./engine/KnownContainers.js"
export { Followers } from "./engine/Followers.js"
export type { Follower } from "./engine/ContainerFollower.js"
export type { FollowersOptions, FollowersShape } from "./engine/Followers.js"
export { StatsFollowers } from "./engine/StatsFollowers.js"
export type { StatsFollowersShape } from "./engine/StatsFollowers.js"
export { IdempotencyKeyReused, OperationConflict, OperationNotFound } from "./OperationError.js"
export { Operations } from "./operations/Operations.js"
export type { OperationsOptions, OperationsShape, StartedOperation } from "./operations/Operations.js"
export type { OperationRequest } from "./operations/OperationRequest.js"
export { Hub } from "./rooms/Hub.js"
export type { ContainerHold, HubCounts, HubShape } from "./rooms/Hub.js"
export { RoomLog } from "./rooms/log/RoomLog.js"
export { NotHeld } from "./rooms/log/RoomLogShape.js"
export type { RoomHold, RoomListening, RoomLogShape, RoomNews, RoomPlace } from "./rooms/log/RoomLogShape.js"
export { HistoryUnavailable, OperationHistory } from "./rooms/OperationHistory.js"
export type {
  HistoryItem,
  HistoryPlace,
  LostEvents,
  OperationHistoryShape,
  StoredEvent
} from "./rooms/OperationHistory.js"
export { defaultHubOptions } from "./rooms/HubOptions.js"
export type { HubOptions } from "./rooms/HubOptions.js"
export { Server } from "./Server.js"
export type { ServerOptions, ServerShape, ServerWithDockerOptions } from "./Server.js"
export { StackConflict, StackNotFound, StackUnsuitable } from "./StackError.js"
export { Stacks } from "./stacks/Stacks.js"
export type { NewStack, StacksOptions, StacksShape } from "./stacks/Stacks.js"
export type { StackAction, StackProject, StackTools } from "./stacks/StackAction.js"
export type { Viewer, ViewerLimits, ViewerTransport } from "./rooms/Viewer.js"
export * as Wire from "./Wire.js"
