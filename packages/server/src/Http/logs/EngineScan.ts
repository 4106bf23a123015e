import type { LogLine, LogStream } from "@dockwire/core/LogEvent"
import { levelOf } from "@dockwire/core/LogLevel"
import type { LogMatcher } from "../../search/LogMatcher.js"
import { parseTime } from "../../search/text/queryTime.js"
import type { StoredLine } from "../../store/LogRecord.js"
import type { SearchElement, SearchHit } from "../../store/LogStore.js"
import type { SearchProgress } from "../../store/StoredLog.js"

/** What to look for, and how much of it to give out. */
export interface EngineScanOptions {
  readonly matcher: LogMatcher
  /** The name that the lines have as their source. */
  readonly source: string
  /** Only what is before this line. */
  readonly cursor?: EngineCursor
  /** How many lines to find at most: the newest. */
  readonly limit: number
  /** How many lines to show in front of one that was found, and how many behind it. */
  readonly context: number
}

/** A line in the engine's log. */
export interface EngineCursor {
  readonly timestamp: string
  readonly stream: LogStream
  /** How many lines of the stream with this timestamp stand before it. */
  readonly place: number
}

const cursorText = ({ place, stream, timestamp }: EngineCursor): string => `engine_${timestamp}_${stream}_${place}`

const cursorPattern = /^engine_([\d:.TZ+-]+)_(stdout|stderr)_(\d{1,9})$/

/** Reads a cursor that a search in the engine's log gave; `undefined` for any other text. */
export const parseEngineCursor = (text: string): EngineCursor | undefined => {
  const [, timestamp, stream, place] = cursorPattern.exec(text) ?? []
  if (timestamp === undefined) return undefined
  return { timestamp, stream: stream === "stderr" ? "stderr" : "stdout", place: Number(place) }
}

interface Hit {
  readonly line: StoredLine
  readonly before: ReadonlyArray<StoredLine>
  readonly after: Array<StoredLine>
}

/** As many hits are told at once. */
const hitsAtOnce = 200

/** Looks through the lines of one container, the oldest first, and keeps the newest of those that match. */
export class EngineScan {
  private hits: Array<Hit> = []
  private matches = 0
  private bytes = 0
  private number = 0
  private readonly recent: Array<StoredLine> = []
  private readonly last: Record<LogStream, { timestamp: string; place: number }> = {
    stdout: { timestamp: "", place: 0 },
    stderr: { timestamp: "", place: 0 }
  }
  private hasMetCursor = false

  constructor(private readonly options: EngineScanOptions) {}

  /** Takes the next lines. Returns whether to go on. */
  take(lines: ReadonlyArray<LogLine>): boolean {
    for (const line of lines) if (!this.add(line)) return false
    return true
  }

  /** How far it is. How much there is in all is not known. */
  get progress(): SearchElement {
    return { _tag: "SearchFound", hits: [], progress: this.progressAt(this.matches, undefined, undefined) }
  }

  /** What was found, the newest first. */
  get results(): ReadonlyArray<SearchElement> {
    const { cursor, limit } = this.options
    // The line of the cursor is gone, and what was before it as well.
    const isGone = cursor !== undefined && !this.hasMetCursor
    const found = isGone ? [] : this.hits.slice(-limit).toReversed()
    const done = !isGone && this.matches > limit ? "limit" : "end"
    const parts = Array.from({ length: Math.max(1, Math.ceil(found.length / hitsAtOnce)) }, (_, index) =>
      found.slice(index * hitsAtOnce, (index + 1) * hitsAtOnce)
    )
    return parts.map((hits, index) => {
      const isLast = index === parts.length - 1
      const given = Math.min(found.length, (index + 1) * hitsAtOnce)
      const next = isLast && done === "end" ? undefined : hits.at(-1)?.line.cursor
      const shown = hits.map(({ after, before, line }): SearchHit => ({ line, before, after }))
      return { _tag: "SearchFound", hits: shown, progress: this.progressAt(given, isLast ? done : undefined, next) }
    })
  }

  private progressAt(matches: number, done: SearchProgress["done"], cursor: string | undefined): SearchProgress {
    return {
      matches,
      scannedBytes: this.bytes,
      totalBytes: this.bytes,
      unreadable: 0,
      ...(done === undefined ? {} : { done }),
      ...(cursor === undefined ? {} : { cursor })
    }
  }

  private add(line: LogLine): boolean {
    const { context, cursor, limit, matcher } = this.options
    const { stream, text, timestamp } = line
    const last = this.last[stream]
    last.place = last.timestamp === timestamp ? last.place + 1 : 0
    last.timestamp = timestamp
    this.number++
    if (cursor?.timestamp === timestamp && cursor.stream === stream && cursor.place === last.place) {
      this.hasMetCursor = true
      return false
    }
    this.bytes += text.length
    const time = matcher.fromNanos === undefined && matcher.toNanos === undefined ? 0n : (parseTime(timestamp) ?? 0n)
    const isHit = matcher.matches(text, levelOf(text), stream, time)
    if (!isHit && context === 0) return true
    const stored = this.stored(line, last.place)
    for (const { after } of this.hits.slice(-context)) if (after.length < context) after.push(stored)
    if (isHit) {
      this.matches++
      this.hits.push({ line: stored, before: [...this.recent], after: [] })
      if (this.hits.length > 2 * limit) this.hits = this.hits.slice(-limit)
    }
    if (context > 0) this.recent.push(stored)
    if (this.recent.length > context) this.recent.shift()
    return true
  }

  private stored({ containerId, part, stream, text, timestamp }: LogLine, place: number): StoredLine {
    return {
      _tag: "StoredLine",
      source: this.options.source,
      containerId,
      number: this.number,
      place,
      cursor: cursorText({ timestamp, stream, place }),
      stream,
      timestamp,
      level: levelOf(text),
      text,
      ...(part === undefined ? {} : { part })
    }
  }
}
