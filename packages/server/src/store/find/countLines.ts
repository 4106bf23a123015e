/** Counts lines over time, by level: by what is known of whole blocks where that is enough. */
import type { LogLevel } from "@dockwire/core/LogLevel"
import { levelMask, levelShift, streamMask, streamOf } from "../block/Records.js"
import { compareTimes, timestampOf } from "../block/recordTime.js"
import { storedLevels } from "../block/storedLevels.js"
import type { Histogram, HistogramRequest } from "../LogRecord.js"
import type { Bound } from "../read/GenerationWalk.js"
import { matchesSource } from "./sourcePattern.js"
import { parseTimeBound } from "../read/timeBound.js"
import type { Unit, Units } from "../read/Units.js"

type Counts = Record<LogLevel, number>

const noLines = (): Counts => ({ unknown: 0, trace: 0, debug: 0, info: 0, warn: 0, error: 0, fatal: 0 })

/** Buckets of equal size. */
class Buckets {
  private readonly counts: ReadonlyArray<Counts>
  counted = 0

  constructor(
    private readonly from: Bound,
    private readonly to: Bound,
    private readonly size: number,
    count: number
  ) {
    this.counts = Array.from({ length: count }, noLines)
  }

  /** Both within one bucket. */
  areTogether(firstSeconds: number, lastSeconds: number): number | undefined {
    const last = { seconds: lastSeconds, nanos: 999_999_999 }
    if (!this.contains({ seconds: firstSeconds, nanos: 0 }) || !this.contains(last)) return undefined
    const index = this.indexOf({ seconds: firstSeconds, nanos: 0 })
    return index === this.indexOf(last) ? index : undefined
  }

  contains({ nanos, seconds }: Bound): boolean {
    return (
      compareTimes(seconds, nanos, this.from.seconds, this.from.nanos) >= 0 &&
      compareTimes(seconds, nanos, this.to.seconds, this.to.nanos) < 0
    )
  }

  indexOf({ nanos, seconds }: Bound): number {
    const offset = seconds - this.from.seconds + (nanos - this.from.nanos) / 1e9
    return Math.min(this.counts.length - 1, Math.max(0, Math.floor(offset / this.size)))
  }

  add(index: number, level: number, lines: number): void {
    const counts = this.counts[index]
    const name = storedLevels[level]
    if (counts === undefined || name === undefined) return
    counts[name] += lines
    this.counted += lines
  }

  result(uncounted: number): Histogram {
    const edge = (index: number): string => {
      if (index === this.counts.length) return timestampOf(this.to.seconds, this.to.nanos)
      const offset = this.from.nanos / 1e9 + index * this.size
      const seconds = Math.floor(offset)
      return timestampOf(this.from.seconds + seconds, Math.min(999_999_999, Math.floor((offset - seconds) * 1e9)))
    }
    const buckets = this.counts.map((levels, index) => ({ from: edge(index), to: edge(index + 1), levels }))
    return { buckets, counted: this.counted, uncounted }
  }
}

const countUnit = (units: Units, unit: Unit, buckets: Buckets): void => {
  const together = buckets.areTogether(unit.minSeconds, unit.maxSeconds)
  if (together !== undefined) {
    for (const [level, lines] of unit.levels.entries()) buckets.add(together, level, lines)
    return
  }
  const columns = unit.isTail ? units.records(unit) : units.columns(unit)
  if (columns === undefined) return
  for (let index = 0; index < columns.count; index++) {
    const flag = columns.flags[index] ?? 0
    const time = { seconds: columns.seconds[index] ?? 0, nanos: columns.nanos[index] ?? 0 }
    if ((flag & streamMask) === streamOf.mark || !buckets.contains(time)) continue
    buckets.add(buckets.indexOf(time), (flag >> levelShift) & levelMask, 1)
  }
}

/** Counts the lines of a range. `pause` lets other things happen in the thread. */
export const countLines = async (
  units: Units,
  request: HistogramRequest,
  pause: () => Promise<void>
): Promise<Histogram> => {
  const names = new Map(units.sources().map(({ id, name }) => [id, name]))
  const wanted = units.all().filter(({ source }) => matchesSource(request.sources, names.get(source) ?? ""))
  const oldest = wanted.reduce((least, { minSeconds }) => Math.min(least, minSeconds), Number.POSITIVE_INFINITY)
  const newest = wanted.reduce((most, { maxSeconds }) => Math.max(most, maxSeconds), Number.NEGATIVE_INFINITY)
  const bound = (text: string | undefined, seconds: number): Bound => {
    const given = text === undefined ? undefined : parseTimeBound(text)
    return given ?? { seconds: Number.isFinite(seconds) ? seconds : 0, nanos: 0 }
  }
  const from = bound(request.from, oldest)
  const to = bound(request.to, newest + 1)
  const count = Math.max(1, Math.floor(request.buckets ?? 60))
  const length = to.seconds - from.seconds + (to.nanos - from.nanos) / 1e9
  const buckets = new Buckets(from, to, Math.max(length, 1e-9) / count, count)
  let uncounted = 0
  for (const unit of wanted) {
    if (unit.maxSeconds < from.seconds || unit.minSeconds > to.seconds) continue
    try {
      countUnit(units, unit, buckets)
    } catch {
      uncounted += unit.count
    }
    await pause()
  }
  return buckets.result(uncounted)
}
