import { atLeast, type Benchmark, type Row } from "./Benchmark.js"
import { numberAt, runChild } from "./childProcess.js"
import { readWithDecoder, readWithModem, splitChunks, splitToElements, splitWhole } from "./lineReaders.js"
import { chunksOf, sampleLog } from "./sampleLog.js"
import { ratios } from "./statistics.js"

const megabyte = 1_000_000

/** Lines a second of one reading, which must give as many as there are. */
const speed = (expected: number, read: () => number): number => {
  const started = performance.now()
  const lines = read()
  const seconds = (performance.now() - started) / 1000
  if (lines !== expected) throw new Error(`${lines} lines were read, and there are ${expected}.`)
  return lines / seconds
}

const compare = async (
  kind: "ascii" | "utf8",
  quick: boolean,
  progress: (line: string) => void
): Promise<ReadonlyArray<Row>> => {
  const log = sampleLog((quick ? 20 : 200) * megabyte, kind)
  const frames = chunksOf(log.frames)
  const text = chunksOf(log.text)
  // Its time grows with the square of what a chunk holds: a small part of the bytes tells its speed as well.
  const small = sampleLog((quick ? 1 : 4) * megabyte, kind)
  const smallFrames = chunksOf(small.frames)
  const measured: Record<"decoder" | "chunks" | "elements" | "whole" | "modem", Array<number>> = {
    decoder: [],
    chunks: [],
    elements: [],
    whole: [],
    modem: []
  }
  const rounds = quick ? 3 : 5
  // The first round only warms up.
  for (let round = -1; round < rounds; round++) {
    progress(`lines, ${kind}: round ${round + 1} of ${rounds}`)
    const values = {
      decoder: speed(log.lines, () => readWithDecoder(frames)),
      chunks: speed(log.lines, () => splitChunks(text)),
      elements: speed(log.lines, () => splitToElements(text)),
      whole: speed(log.lines, () => splitWhole(log.text)),
      modem: speed(small.lines, () => readWithModem(smallFrames))
    }
    if (round < 0) continue
    measured.decoder.push(values.decoder)
    measured.chunks.push(values.chunks)
    measured.elements.push(values.elements)
    measured.whole.push(values.whole)
    measured.modem.push(values.modem)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const label = kind === "ascii" ? "ASCII" : "UTF-8"
  return [
    {
      name: `${label}: frames to lines`,
      unit: "lines/s",
      values: measured.decoder,
      note: `${log.lines} lines, ${Math.round(log.frames.length / megabyte)} MB`
    },
    { name: `${label}: text.split, chunk by chunk`, unit: "lines/s", values: measured.chunks },
    {
      name: `${label}: the same and the same elements made of it`,
      unit: "lines/s",
      values: measured.elements,
      note: "timestamp and text apart, in an object a line"
    },
    { name: `${label}: text.split, as a whole`, unit: "lines/s", values: measured.whole },
    { name: `${label}: docker-modem demuxStream`, unit: "lines/s", values: measured.modem },
    {
      name: `${label}: against split chunk by chunk`,
      unit: "x",
      values: ratios(measured.decoder, measured.chunks),
      goal: atLeast(0.9)
    },
    {
      name: `${label}: against split chunk by chunk with elements`,
      unit: "x",
      values: ratios(measured.decoder, measured.elements),
      goal: atLeast(0.9)
    },
    {
      name: `${label}: against split as a whole`,
      unit: "x",
      values: ratios(measured.decoder, measured.whole),
      goal: atLeast(0.9)
    },
    { name: `${label}: against demuxStream`, unit: "x", values: ratios(measured.decoder, measured.modem) }
  ]
}

const compareEmpty = async (): Promise<ReadonlyArray<Row>> => {
  const count = 200_000
  const read = async (way: "decoder" | "modem", name: string): Promise<Row> => {
    const result = await runChild("emptyLinesChild.ts", [way, String(count)])
    if (!result.ok) return { name, unit: "lines/s", values: [], note: `crashes: ${result.reason}` }
    const lines = numberAt(result.value, "lines")
    const note = lines === count ? `all ${count} of ${count}` : `ONLY ${lines} of ${count}`
    return { name, unit: "lines/s", values: [lines / numberAt(result.value, "seconds")], note }
  }
  return [await read("decoder", "empty lines: frames to lines"), await read("modem", "empty lines: demuxStream")]
}

/** Frames in memory to lines: what the decoder costs when nothing else does. */
export const lines: Benchmark = {
  name: "lines",
  title: "Frames in memory to lines, in chunks of 64 KiB",
  run: async ({ progress, quick }) => [
    ...(await compare("ascii", quick, progress)),
    ...(await compare("utf8", quick, progress)),
    ...(await compareEmpty())
  ]
}
