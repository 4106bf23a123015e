/**
 * Docker on Effect: everything that the modules of this package export. Import a module by its own path, such as
 * `@dockwire/core/Logs`, to load only what it needs.
 *
 * @since 0.1.0
 */
export * from "./Archive.js"
export * from "./Compose.js"
export * from "./ComposeFiles.js"
export * from "./Containers.js"
export * from "./Docker.js"
export * from "./DockerError.js"
export * from "./Events.js"
export * from "./Exec.js"
export * from "./Host.js"
export * from "./Images.js"
export * from "./LogEvent.js"
export * from "./LogLevel.js"
export { LogPosition } from "./LogPosition.js"
export * from "./Logs.js"
export * from "./LogSink.js"
export * from "./MemoryCompose.js"
export * from "./MemoryEngine.js"
export * from "./Networks.js"
export * from "./Operation.js"
export * from "./RegistryAuth.js"
export * from "./Stats.js"
export * from "./System.js"
export * from "./Volumes.js"
