/** What can go wrong with the store of container logs. */
import * as Schema from "effect/Schema"

/** The logs that are kept can't be read or written now. Live logs go on. */
export class LogStoreUnavailable extends Schema.TaggedError<LogStoreUnavailable>(
  "@dockwire/server/LogStoreUnavailable"
)("LogStoreUnavailable", {
  /** What is wrong and what to do, as sentences. */
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

/** Nothing is kept under this name. */
export class LogSourceNotFound extends Schema.TaggedError<LogSourceNotFound>("@dockwire/server/LogSourceNotFound")(
  "LogSourceNotFound",
  {
    /** The id of a source, or the id or name of a container, as it was asked for. */
    source: Schema.String
  }
) {
  override get message(): string {
    return `Nothing is kept of ${JSON.stringify(this.source)}. GET /api/logs/sources lists what is.`
  }
}

/** A line is not kept, or no longer. */
export class LineNotFound extends Schema.TaggedError<LineNotFound>("@dockwire/server/LineNotFound")("LineNotFound", {
  /** The link to it. */
  link: Schema.String
}) {
  override get message(): string {
    return `The line ${this.link} is not kept, or no longer.`
  }
}

/** Elements in front of the batch are missing: read the container's log again, behind the last element that is stored. */
export class LogStoreBehind extends Schema.TaggedError<LogStoreBehind>("@dockwire/server/LogStoreBehind")(
  "LogStoreBehind",
  {
    containerId: Schema.String,
    /** The number of the last element that is stored; 0 if there is none. */
    number: Schema.Number,
    /** The `LogPosition` after it, as text. */
    position: Schema.optionalWith(Schema.String, { exact: true })
  }
) {
  override get message(): string {
    return `The log of ${this.containerId} is stored up to element ${this.number}. Append what follows it.`
  }
}
