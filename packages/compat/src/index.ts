/**
 * The old Docker utility functions, as promises.
 *
 * @since 0.1.0
 */
export type { ContainerRow } from "./containerRow.js"
export * from "./dockerUtils.js"
export type { ObjectOutcome, Outcome } from "./outcome.js"
export { type CompatOptions, configure, dispose } from "./runtime.js"
