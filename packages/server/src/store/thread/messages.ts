/** What the threads of the store are asked, and what they answer. */
import type { LogPart } from "@dockwire/core/LogEvent"
import type { QueryConditions } from "../../search/QueryConditions.js"
import type {
  GenerationMark,
  Histogram,
  HistogramRequest,
  LogRange,
  LogResumePoint,
  LogRetention,
  LogSource,
  LogSourceKey,
  MissingRecords,
  StoredLine,
  StoredMark
} from "../LogRecord.js"

/** What a thread begins with. */
export interface ThreadData {
  readonly role: "write" | "read"
  readonly file: string
  readonly retention: LogRetention
  /** Whether the file was found to be damaged, and gets another name before anything else. */
  readonly isDamaged: boolean
}

/** A batch whose elements are columns, which are quicker to send. Marks are JSON. */
export interface ColumnBatch {
  readonly source: LogSourceKey
  readonly containerId: string
  readonly containerName: string
  readonly after: number
  readonly position: string | undefined
  readonly count: number
  readonly seconds: Float64Array
  readonly nanos: Int32Array
  /** Without levels. */
  readonly flags: Uint8Array
  readonly parts: ReadonlyMap<number, LogPart>
  readonly inner: ReadonlyArray<number>
  /** A newline between two. */
  readonly texts: string
}

/** A mark before its text is decoded. */
export interface RawMark extends Omit<StoredMark, "_tag" | "mark"> {
  readonly _tag: "RawMark"
  readonly json: string
}

/** See `StoredItem`. */
export type RawItem = StoredLine | RawMark | GenerationMark | MissingRecords

/** A part of a read. */
export interface Page {
  readonly items: ReadonlyArray<RawItem>
  /** How many of them are records. */
  readonly records: number
  /** Goes on behind what was read; missing at the end. */
  readonly next: string | undefined
}

/** What to search. */
export interface SearchTask {
  readonly query: QueryConditions & { readonly sources?: ReadonlyArray<string> }
  readonly cursor: string | undefined
  /** How many hits at most. */
  readonly limit: number
  /** How many records to show in front of a hit, and how many behind it. */
  readonly context: number
}

/** A line that was found, with the lines around it. */
export interface RawHit {
  readonly line: StoredLine
  readonly before: ReadonlyArray<RawItem>
  readonly after: ReadonlyArray<RawItem>
}

/** How far a search is. */
export interface SearchProgress {
  /** Everything later has been searched; missing if everything has been. */
  readonly scannedTo: string | undefined
  readonly matches: number
  /** Bytes of text that need no further look, and those of all. */
  readonly scannedBytes: number
  readonly totalBytes: number
  /** Records that could not be read. */
  readonly unreadable: number
  /** Why it ended: nothing is left, or the limit is reached. Missing while it goes on. */
  readonly done: "end" | "limit" | undefined
  /** Goes on from here. Missing at the end. */
  readonly cursor: string | undefined
}

/** What a search found since the last answer. */
export interface SearchStep {
  readonly hits: ReadonlyArray<RawHit>
  readonly progress: SearchProgress
}

/** What a retention run did. */
export interface Retained {
  readonly records: number
  readonly bytes: number
}

/** The calls of the thread that writes: what it takes, and what it answers. */
export interface WriteCalls {
  readonly flush: { readonly takes: undefined; readonly gives: void }
  readonly resume: { readonly takes: string; readonly gives: LogResumePoint | undefined }
  readonly retain: { readonly takes: LogRetention; readonly gives: Retained }
  readonly close: { readonly takes: undefined; readonly gives: void }
}

/** The calls of a thread that reads. */
export interface ReadCalls {
  /** `cursor` replaces that of the range when it goes on. */
  readonly page: { readonly takes: LogRange & { readonly limit: number }; readonly gives: Page | undefined }
  readonly sources: { readonly takes: undefined; readonly gives: ReadonlyArray<LogSource> }
  readonly histogram: { readonly takes: HistogramRequest; readonly gives: Histogram }
  readonly beginSearch: { readonly takes: { readonly id: number; readonly task: SearchTask }; readonly gives: void }
  readonly continueSearch: { readonly takes: number; readonly gives: SearchStep }
  readonly endSearch: { readonly takes: number; readonly gives: void }
  readonly close: { readonly takes: undefined; readonly gives: void }
}

/** A failure that can be sent. */
export interface ThreadFailure {
  readonly code: string
  readonly message: string
}

/** What the thread that writes tells unasked. */
export type WriterNews =
  | { readonly news: "opened"; readonly notice: string | undefined }
  /** It cannot be opened, or no longer be used: the thread ends. */
  | ({ readonly news: "broken" } & ThreadFailure)
  /** A batch was not written. It is tried again. */
  | ({ readonly news: "failed" } & ThreadFailure)
  /** So many bytes of what was sent need no more memory. */
  | { readonly news: "committed"; readonly bytes: number }
