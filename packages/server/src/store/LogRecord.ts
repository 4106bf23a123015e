/** What is kept of container logs, as it is written and read. */
import type { LogLine, LogMark, LogPart, LogStream } from "@dockwire/core/LogEvent"
import type { LogLevel } from "@dockwire/core/LogLevel"

/**
 * What people mean by a log: a service of a project, or a container that belongs to none, of one engine. It outlives its
 * containers.
 */
export interface LogSourceKey {
  readonly engine: string
  /** The project and the service in it, or the container's name alone. */
  readonly project?: string
  readonly name: string
}

/** `engine/project/service` or `engine/container`. Neither has a slash in it. */
export const sourceId = ({ engine, name, project }: LogSourceKey): string =>
  [engine, ...(project === undefined ? [] : [project]), name].map((part) => part.replaceAll("/", "_")).join("/")

/** Elements of one container's log, in the order of its follow. */
export interface LogBatch {
  readonly source: LogSourceKey
  readonly containerId: string
  readonly containerName: string
  /**
   * The number of the element in front of the first one: how many there were of this container before, 0 at the start of its
   * log. What is stored already is left out, so that a batch may come twice.
   */
  readonly after: number
  readonly elements: ReadonlyArray<LogLine | LogMark>
  /** Where the log goes on after the last element, as the follower knows it. It is stored with it, or not at all. */
  readonly position?: string
}

/** Where to go on with a container's log. */
export interface LogResumePoint {
  /** Of the last element. */
  readonly number: number
  /** That of its batch. */
  readonly position?: string
}

interface Identity {
  /** See `sourceId`. */
  readonly source: string
  readonly containerId: string
  /** Counts the elements of the container's log from 1. It is what tells equal lines apart. */
  readonly number: number
  /** Counts the elements of its stream with the same timestamp from 0. */
  readonly place: number
  /** Goes on from here, in a read or a search. */
  readonly cursor: string
}

/** A line that is kept. */
export interface StoredLine extends Identity {
  readonly _tag: "StoredLine"
  readonly stream: LogStream
  readonly timestamp: string
  readonly level: LogLevel
  readonly text: string
  readonly part?: LogPart
}

/** A mark that is kept, such as a gap. */
export interface StoredMark extends Identity {
  readonly _tag: "StoredMark"
  readonly mark: LogMark
}

/** The log of another container of the source begins. */
export interface GenerationMark {
  readonly _tag: "GenerationMark"
  readonly source: string
  readonly containerId: string
  readonly containerName: string
  /** That of its first element. */
  readonly timestamp: string
}

/** Elements of a container's log that are not there. */
export interface MissingRecords {
  readonly _tag: "MissingRecords"
  readonly source: string
  readonly containerId: string
  /** The number of the first of them. */
  readonly from: number
  /** The number of the last of them. */
  readonly to: number
  /** `not_kept`: deleted by age or size, or never stored. `damaged`: what the disk returned is not what was written. */
  readonly reason: "not_kept" | "damaged"
}

/** What a read consists of. */
export type StoredItem = StoredLine | StoredMark | GenerationMark | MissingRecords

/** Which part of a source to read. */
export interface LogRange {
  /** See `sourceId`. */
  readonly source: string
  /** `forward`: the oldest first. */
  readonly direction: "forward" | "backward"
  /** Begins behind this record, in the direction of the read. Default: at the end of the log. */
  readonly cursor?: string
  /** RFC 3339. Records of this time and later ones. */
  readonly from?: string
  /** RFC 3339. Records before this time. */
  readonly to?: string
  /** How many records to read at most. Default: all. */
  readonly limit?: number
}

/** A container of a source. */
export interface LogGeneration {
  readonly containerId: string
  readonly containerName: string
  /** The number of its last element. */
  readonly lastNumber: number
  /** The time of its last element. */
  readonly lastTimestamp: string
}

/** A source that is kept. */
export interface LogSource extends LogSourceKey {
  readonly id: string
  readonly records: number
  /** Bytes of text. */
  readonly bytes: number
  /** The seconds of the oldest and of the newest record; missing if there is none. */
  readonly oldest?: string
  readonly newest?: string
  /** The oldest first. */
  readonly generations: ReadonlyArray<LogGeneration>
}

/** Lines of a part of the range. */
export interface HistogramBucket {
  readonly from: string
  readonly to: string
  readonly levels: Readonly<Record<LogLevel, number>>
}

/** How many lines there are, over time. */
export interface Histogram {
  readonly buckets: ReadonlyArray<HistogramBucket>
  readonly counted: number
  /** Records in the range that could not be read. */
  readonly uncounted: number
}

/** What to count. */
export interface HistogramRequest {
  /** RFC 3339. Default: the oldest record. */
  readonly from?: string
  /** RFC 3339. Default: behind the newest record. */
  readonly to?: string
  /** Patterns of sources, as those of a query. Default: all. */
  readonly sources?: ReadonlyArray<string>
  /** Default: 60. */
  readonly buckets?: number
}

/** How much is kept. */
export interface LogRetention {
  /** Bytes of text of one source. */
  readonly sourceBytes: number
  /** Bytes of text in all. */
  readonly bytes: number
  /** Milliseconds, by the time of the line. */
  readonly age: number
}

export const defaultLogRetention: LogRetention = {
  sourceBytes: 50 * 1024 ** 2,
  bytes: 1024 ** 3,
  age: 30 * 24 * 60 * 60 * 1000
}
