/**
 * The WebSocket protocol: the messages of both directions, the names of rooms and the close codes. It is shared by the
 * server, the client and the page, so it imports no code.
 *
 * A client sends one `ClientMessage` per frame. The server sends an array of `ServerMessage` per frame.
 *
 * @since 0.1.0
 */
export type { EngineStatus } from "./EngineStatus.js"
export * from "./wire/ClientMessage.js"
export * from "./wire/ContainerStatsMessage.js"
export * from "./wire/protocol.js"
export * from "./wire/roomNames.js"
export * from "./wire/ServerMessage.js"
