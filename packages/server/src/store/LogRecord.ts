/** What is kept of container logs, as it is written and read. */
import type { LogLine, LogMark } from "@dockwire/core/LogEvent"
import type { LogSourceKey } from "./StoredLog.js"

export type {
  GenerationMark,
  Histogram,
  HistogramBucket,
  LogGeneration,
  LogSource,
  LogSourceKey,
  MissingRecords,
  StoredItem,
  StoredLine,
  StoredMark
} from "./StoredLog.js"

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
  /** Only the elements of this container: its full id. */
  readonly containerId?: string
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
