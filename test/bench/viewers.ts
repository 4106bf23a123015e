import { setTimeout as sleep } from "node:timers/promises"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { openEngineProxy } from "./engineProxy.js"
import { type LineWriter, openLineWriter } from "./lineWriter.js"
import { type ServerProcess, startServer } from "./serverProcess.js"
import { stampedLine } from "./stampedLine.js"
import { openViewerGroup, type ViewerGroup, type ViewerReport } from "./viewerGroup.js"

const viewerCount = 200
const linesPerSecond = 1500
/** Long lines, so that unread ones soon fill the buffers of the system, and the server must apply backpressure. */
const lineLength = 400
/** How long the slow viewer stops reading: 7 MB. */
const pauseMilliseconds = 12_000

/** Writes stamped lines at a rate, or as fast as possible. */
class Pen {
  #next = 0
  /** The minimum length of a line. */
  lineLength = 0

  constructor(readonly writer: LineWriter) {}

  /** The number of the last line written. */
  get last(): number {
    return this.#next - 1
  }

  write(count: number): void {
    this.writer.write(Array.from({ length: count }, () => stampedLine(this.#next++, this.lineLength)).join(""))
  }

  /** Writes for this long. */
  async writeSteadily(milliseconds: number): Promise<void> {
    const started = performance.now()
    let done = 0
    for (;;) {
      const elapsed = performance.now() - started
      const due = Math.floor((Math.min(elapsed, milliseconds) / 1000) * linesPerSecond) - done
      if (due > 0) this.write(due)
      done += due
      if (elapsed >= milliseconds) return
      await sleep(2)
    }
  }

  /** Writes this many lines in blocks and never gets far ahead of the viewers, except for the slow one. */
  async writeFast(count: number, group: ViewerGroup): Promise<void> {
    for (let left = count; left > 0;) {
      const block = Math.min(left, 10_000)
      this.write(block)
      left -= block
      await group.until(this.last - 20_000, false, 30_000)
    }
    await group.until(this.last, false, 60_000)
  }
}

/** Lets the slow viewer read again, and waits for it to reach the last line. */
const slowResult = async (pen: Pen, group: ViewerGroup): Promise<string> => {
  const isThere = await group.until(pen.last, true, 30_000).then(
    () => true,
    () => false
  )
  const { reconnects, slowWrong, slowest } = await group.tell("mark")
  const way = reconnects === 0 ? "over its connection" : `after ${reconnects} closes, with its position`
  if (slowWrong !== "") return `NOT WHOLE: ${slowWrong} (${way})`
  return isThere ? `got every line once, ${way}` : `NOT WHOLE: it ends at ${slowest} of ${pen.last} (${way})`
}

/** Waits until each viewer has received a line. */
const warmUp = async (pen: Pen, group: ViewerGroup): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    pen.write(1)
    await sleep(100)
    const { lastViewer, slowest } = await group.tell("mark")
    if (lastViewer >= 0 && slowest >= 0) return
    if (attempt > 200) throw new Error("The viewers receive no lines.")
  }
}

const countStreams = async (endpoint: string): Promise<number> => {
  const proxy = await openEngineProxy(endpoint)
  const writer = await openLineWriter(endpoint)
  try {
    const server = await startServer(proxy.endpoint)
    try {
      const group = await openViewerGroup(server, writer.container.id, viewerCount)
      await warmUp(new Pen(writer), group)
      const streams = proxy.followed()
      await group.close()
      return streams
    } finally {
      await server.stop()
    }
  } finally {
    await writer.close()
    await proxy.close()
  }
}

interface Measured {
  readonly before: ReadonlyArray<ViewerReport>
  readonly during: ReadonlyArray<ViewerReport>
  readonly cpu: ReadonlyArray<number>
  readonly slow: string
}

interface Memory {
  readonly start: number
  readonly end: number
  readonly peak: number
  readonly lines: number
  readonly slow: string
}

const measure = async (
  pen: Pen,
  server: ServerProcess,
  group: ViewerGroup,
  { progress, quick }: BenchContext
): Promise<Measured> => {
  const rounds = quick ? 1 : 3
  const milliseconds = quick ? 3000 : 4000
  await warmUp(pen, group)
  progress("viewers: warming up")
  await pen.writeSteadily(2000)
  await group.until(pen.last, true, 30_000)
  const before: Array<ViewerReport> = []
  const during: Array<ViewerReport> = []
  const cpu: Array<number> = []
  let slow = ""
  for (let round = 0; round < rounds; round++) {
    progress(`viewers: round ${round + 1} of ${rounds}, all read`)
    await group.tell("mark")
    const cpuBefore = server.cpuSeconds()
    await pen.writeSteadily(milliseconds)
    before.push(await group.tell("mark"))
    cpu.push(((server.cpuSeconds() - cpuBefore) / milliseconds) * 1000)
    progress(`viewers: round ${round + 1} of ${rounds}, one has stopped reading`)
    await group.tell("pause")
    await pen.writeSteadily(pauseMilliseconds)
    during.push(await group.tell("mark"))
    await group.tell("resume")
    slow = await slowResult(pen, group)
  }
  return { before, during, cpu, slow }
}

const measureMemory = async (
  pen: Pen,
  server: ServerProcess,
  group: ViewerGroup,
  { progress, quick }: BenchContext
): Promise<Memory> => {
  const lines = quick ? 100_000 : 1_000_000
  progress(`viewers: ${lines} lines for a few viewers`)
  await warmUp(pen, group)
  await pen.writeFast(20_000, group)
  const start = server.memoryMb()
  let peak = start
  const sampler = setInterval(() => (peak = Math.max(peak, server.memoryMb())), 100)
  await pen.writeFast(lines / 10, group)
  await group.tell("pause")
  await pen.writeFast(lines / 5, group)
  await group.tell("resume")
  await pen.writeFast(lines - lines / 10 - lines / 5, group)
  const slow = await slowResult(pen, group)
  await sleep(1000)
  clearInterval(sampler)
  return { start, peak, end: server.memoryMb(), lines, slow }
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { engine, progress } = context
  progress(`viewers: counting the engine streams for ${viewerCount} viewers`)
  const streams = await countStreams(engine.endpoint)
  const writer = await openLineWriter(engine.endpoint)
  const pen = new Pen(writer)
  pen.lineLength = lineLength
  const server = await startServer(engine.endpoint).catch(async (error: unknown) => {
    await writer.close()
    throw error
  })
  try {
    const crowd = await openViewerGroup(server, writer.container.id, viewerCount)
    const measured = await measure(pen, server, crowd, context)
    pen.lineLength = 0
    await crowd.close()
    const few = await openViewerGroup(server, writer.container.id, 3)
    const memory = await measureMemory(pen, server, few, context)
    await few.close()
    const of = (reports: ReadonlyArray<ViewerReport>, key: "p50" | "p99") => reports.map((report) => report[key])
    const speed = measured.before.map(({ lines, seconds }) => lines / seconds)
    return [
      {
        name: `${viewerCount} viewers of one container: streams of the engine`,
        unit: "",
        values: [streams],
        goal: atMost(1)
      },
      {
        name: `delivered at ${linesPerSecond} lines/s`,
        unit: "lines/s",
        values: speed,
        note: `${viewerCount - 1} viewers, ${(viewerCount - 1) * linesPerSecond} without waiting`
      },
      { name: "the server's processor time a second", unit: "s", values: measured.cpu },
      { name: "all read: p50", unit: "ms", values: of(measured.before, "p50"), note: "of the oldest line of a frame" },
      { name: "one has stopped reading, the others: p50", unit: "ms", values: of(measured.during, "p50") },
      { name: "all read: p99", unit: "ms", values: of(measured.before, "p99") },
      { name: "one has stopped reading, the others: p99", unit: "ms", values: of(measured.during, "p99") },
      { name: "the one that stopped", unit: "", values: [], note: measured.slow },
      {
        name: "the server's memory, grown after the lines",
        unit: "MB",
        values: [memory.end - memory.start],
        goal: atMost(64),
        note: `${memory.lines} lines to 3 viewers, from ${memory.start.toFixed(0)} MB`
      },
      {
        name: "the server's memory, at most meanwhile",
        unit: "MB",
        values: [memory.peak - memory.start]
      },
      {
        name: `one that doesn't read ${memory.lines / 5} of them`,
        unit: "",
        values: [],
        note: memory.slow
      }
    ]
  } finally {
    await server.stop()
    await writer.close()
  }
}

/** Many viewers of one container, and the effect on the others when one of them stops reading. */
export const viewers: Benchmark = { name: "viewers", title: "Many viewers of one container", run }
