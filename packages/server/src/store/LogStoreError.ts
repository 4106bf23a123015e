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
