/**
 * The old Docker utility functions, as promises.
 *
 * @since 0.1.0
 */
export * from "./dockerUtils.js"
export * from "./logger.js"
export * from "./managers.js"
export type { LoggerArgument, Methods } from "./run/methods.js"
export * from "./promises.js"
export type { Closeable, Promised, RunningOperation } from "./promises/promised.js"
export type { OperationLog } from "./operations/operationLog.js"
export type { ObjectOutcome, Outcome } from "./run/outcome.js"
export { type CompatOptions, type CompatSetupError, configure, dispose, DOCKER_COMPOSE_DIR } from "./runtime.js"
export type { ContainerRow } from "./text/containerRow.js"
export type { ImageRow } from "./text/imageRows.js"
export type { NetworkRow } from "./text/networkRow.js"
export type { StatsRow } from "./text/statsRow.js"
export type { VolumeRow } from "./text/volumeRow.js"
