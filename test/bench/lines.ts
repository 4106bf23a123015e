import { atLeast, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numberAt, numbersAt, runChild } from "./childProcess.js"
import { ratios } from "./statistics.js"

const compare = async (
  kind: "ascii" | "utf8",
  quick: boolean,
  progress: (line: string) => void
): Promise<ReadonlyArray<Row>> => {
  progress(`lines: ${kind}`)
  // Many short turns, so that other load on the machine affects all variants equally.
  const megabytes = 20
  const rounds = quick ? 4 : 10
  // docker-modem takes quadratic time in the size of a chunk, so a few chunks are enough to measure it.
  const value = await childValue("linesChild.ts", [kind, String(megabytes), quick ? "0.3" : "1", String(rounds)])
  const measured = {
    decoder: numbersAt(value, "decoder"),
    chunks: numbersAt(value, "chunks"),
    elements: numbersAt(value, "elements"),
    whole: numbersAt(value, "whole"),
    modem: numbersAt(value, "modem")
  }
  const label = kind === "ascii" ? "ASCII" : "UTF-8"
  return [
    {
      name: `${label}: frames to lines`,
      unit: "lines/s",
      values: measured.decoder,
      note: `${numberAt(value, "lines")} lines, ${megabytes} MB, ${rounds} times`
    },
    { name: `${label}: text.split, chunk by chunk`, unit: "lines/s", values: measured.chunks },
    {
      name: `${label}: the same and the same elements made of it`,
      unit: "lines/s",
      values: measured.elements,
      note: "timestamp and text separate, an object for each line"
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
  const read = async (variant: "decoder" | "modem", name: string): Promise<Row> => {
    const result = await runChild("emptyLinesChild.ts", [variant, String(count)])
    if (!result.ok) return { name, unit: "lines/s", values: [], note: `crashes: ${result.reason}` }
    const lines = numberAt(result.value, "lines")
    const note = lines === count ? `all ${count} of ${count}` : `ONLY ${lines} of ${count}`
    return { name, unit: "lines/s", values: [lines / numberAt(result.value, "seconds")], note }
  }
  return [await read("decoder", "empty lines: frames to lines"), await read("modem", "empty lines: demuxStream")]
}

/** Decodes frames in memory to lines, to measure the decoder alone. */
export const lines: Benchmark = {
  name: "lines",
  title: "Decoding frames in memory to lines, in chunks of 64 KiB",
  run: async ({ progress, quick }) => [
    ...(await compare("ascii", quick, progress)),
    ...(await compare("utf8", quick, progress)),
    ...(await compareEmpty())
  ]
}
