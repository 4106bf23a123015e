import type { OperationTarget } from "@dockwire/core/LogEvent"

/** What a logger says of the events of its operation. */
export interface EventOptions {
  /** Whether they go to the `logSink` of `configure`. */
  readonly toSink: boolean
  /** What they are about, besides what the operation knows. */
  readonly target: OperationTarget
  /** The id of the logger, under which they go to the sink. */
  readonly logId?: string
}
