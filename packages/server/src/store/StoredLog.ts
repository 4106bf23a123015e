/** What is kept of container logs, as it is read: the shapes of the store, which the HTTP API sends as they are. */
import { LogMark, LogPart, LogStream } from "@dockwire/core/LogEvent"
import { logLevels } from "@dockwire/core/LogLevel"
import * as Schema from "effect/Schema"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const sourceKey = {
  engine: Schema.String,
  project: optional(Schema.String).annotations({ description: "Missing for a container that belongs to no project" }),
  name: Schema.String.annotations({ description: "The service in the project, or the container's name" })
}

/**
 * What people mean by a log: a service of a project, or a container that belongs to none, of one engine. It outlives its
 * containers.
 */
export const LogSourceKey = Schema.Struct(sourceKey)

/** See the schema. */
export type LogSourceKey = typeof LogSourceKey.Type

const source = Schema.String.annotations({ description: "The id of the source" })
const containerId = Schema.String.annotations({ description: "The full id of the container" })

const identity = {
  source,
  containerId,
  number: Schema.Number.annotations({
    description: "Counts the elements of the container's log from 1. It is what tells equal lines apart"
  }),
  place: Schema.Number.annotations({
    description: "Counts the elements of its stream with the same timestamp from 0"
  }),
  cursor: Schema.String.annotations({ description: "Goes on from here, in a read or a search" })
}

/** A line that is kept. */
export const StoredLine = Schema.TaggedStruct("StoredLine", {
  ...identity,
  stream: LogStream,
  timestamp: Schema.String.annotations({ description: "RFC 3339 with nanoseconds, in UTC" }),
  level: Schema.Literal(...logLevels),
  text: Schema.String,
  part: optional(LogPart)
}).annotations({ identifier: "StoredLine" })

/** See the schema. */
export type StoredLine = typeof StoredLine.Type

/** A mark that is kept, such as a gap. */
export const StoredMark = Schema.TaggedStruct("StoredMark", { ...identity, mark: LogMark }).annotations({
  identifier: "StoredMark"
})

/** See the schema. */
export type StoredMark = typeof StoredMark.Type

/** The log of another container of the source begins. */
export const GenerationMark = Schema.TaggedStruct("GenerationMark", {
  source,
  containerId,
  containerName: Schema.String,
  timestamp: Schema.String.annotations({ description: "That of its first element" })
}).annotations({ identifier: "GenerationMark", description: "The log of another container of the source begins" })

/** See the schema. */
export type GenerationMark = typeof GenerationMark.Type

/** Elements of a container's log that are not there. */
export const MissingRecords = Schema.TaggedStruct("MissingRecords", {
  source,
  containerId,
  from: Schema.Number.annotations({ description: "The number of the first of them" }),
  to: Schema.Number.annotations({ description: "The number of the last of them" }),
  reason: Schema.Literal("not_kept", "damaged").annotations({
    description:
      "`not_kept`: deleted by age or size, or never stored. `damaged`: what the disk returned is not what was written"
  })
}).annotations({ identifier: "MissingRecords", description: "Elements of a container's log that are not there" })

/** See the schema. */
export type MissingRecords = typeof MissingRecords.Type

/** What a read consists of. */
export type StoredItem = StoredLine | StoredMark | GenerationMark | MissingRecords

/** A container of a source. */
export const LogGeneration = Schema.Struct({
  containerId,
  containerName: Schema.String,
  lastNumber: Schema.Number.annotations({ description: "The number of its last element" }),
  lastTimestamp: Schema.String.annotations({ description: "The time of its last element" })
}).annotations({ identifier: "LogGeneration" })

/** See the schema. */
export type LogGeneration = typeof LogGeneration.Type

/** A source that is kept. */
export const LogSource = Schema.Struct({
  id: Schema.String.annotations({ description: "`engine/project/service` or `engine/container`" }),
  ...sourceKey,
  records: Schema.Number,
  bytes: Schema.Number.annotations({ description: "Bytes of text" }),
  oldest: optional(Schema.String).annotations({ description: "The second of the oldest record" }),
  newest: optional(Schema.String).annotations({ description: "The second of the newest record" }),
  generations: Schema.Array(LogGeneration).annotations({ description: "Its containers, the oldest first" })
}).annotations({ identifier: "LogSource" })

/** See the schema. */
export type LogSource = typeof LogSource.Type

/** Lines of a part of the range. */
export const HistogramBucket = Schema.Struct({
  from: Schema.String.annotations({ description: "RFC 3339, inclusive" }),
  to: Schema.String.annotations({ description: "RFC 3339, exclusive" }),
  levels: Schema.Record({ key: Schema.Literal(...logLevels), value: Schema.Number })
}).annotations({ identifier: "HistogramBucket" })

/** See the schema. */
export type HistogramBucket = typeof HistogramBucket.Type

/** How many lines there are, over time. */
export const Histogram = Schema.Struct({
  buckets: Schema.Array(HistogramBucket),
  counted: Schema.Number,
  uncounted: Schema.Number.annotations({ description: "Records in the range that could not be read" })
}).annotations({ identifier: "Histogram" })

/** See the schema. */
export type Histogram = typeof Histogram.Type

/** How far a search is. */
export const SearchProgress = Schema.Struct({
  scannedTo: optional(Schema.String).annotations({
    description: "Everything later has been searched; missing if everything has"
  }),
  matches: Schema.Number,
  scannedBytes: Schema.Number.annotations({
    description: "Bytes of text that have been searched or need no search"
  }),
  totalBytes: Schema.Number,
  unreadable: Schema.Number.annotations({ description: "Records that could not be read" }),
  done: optional(Schema.Literal("end", "limit")).annotations({
    description: "Why it ended: nothing is left, or `limit` is reached. Missing while it goes on"
  }),
  cursor: optional(Schema.String).annotations({
    description: "Goes on with the search behind the last line. Missing if none was found yet, and at the end"
  })
}).annotations({ identifier: "SearchProgress" })

/** See the schema. */
export type SearchProgress = typeof SearchProgress.Type

/** A search waits for others. */
export const SearchWaiting = Schema.TaggedStruct("SearchWaiting", {
  ahead: Schema.Number.annotations({ description: "How many searches come first" })
}).annotations({ identifier: "SearchWaiting", description: "The search waits for others" })

/** See the schema. */
export type SearchWaiting = typeof SearchWaiting.Type
