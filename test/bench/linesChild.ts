/** Splits bytes in memory into lines with every variant, round by round. */
import { readWithDecoder, readWithModem, splitChunks, splitToElements, splitWhole } from "./lineReaders.js"
import { chunksOf, sampleLog } from "./sampleLog.js"

const [kind, megabytes, modemMegabytes, rounds] = process.argv.slice(2)
const bytes = 1_000_000
const log = sampleLog(Number(megabytes) * bytes, kind === "utf8" ? "utf8" : "ascii")
const frames = chunksOf(log.frames)
const text = chunksOf(log.text)
const small = chunksOf(log.frames.subarray(0, Number(modemMegabytes) * bytes))

/** The lines per second of one pass. Throws if it does not return every line. */
const timed = (read: () => number): number => {
  const started = performance.now()
  const lines = read()
  if (lines !== log.lines) throw new Error(`Read ${lines} of ${log.lines} lines.`)
  return log.lines / ((performance.now() - started) / 1000)
}

const timedModem = (): number => {
  const started = performance.now()
  const lines = readWithModem(small)
  return lines / ((performance.now() - started) / 1000)
}

const variants = {
  decoder: () => timed(() => readWithDecoder(frames)),
  chunks: () => timed(() => splitChunks(text)),
  elements: () => timed(() => splitToElements(text)),
  whole: () => timed(() => splitWhole(log.text)),
  modem: timedModem
}

// Warm up the code first, as a long log does.
for (let round = 0; round < 6; round++) for (const variant of [variants.decoder, variants.elements]) variant()
const result = Array.from({ length: Number(rounds) }, () => ({
  decoder: variants.decoder(),
  chunks: variants.chunks(),
  elements: variants.elements(),
  whole: variants.whole(),
  modem: variants.modem()
}))
const column = (variant: keyof typeof variants) => result.map((round) => round[variant])
const columns = {
  decoder: column("decoder"),
  chunks: column("chunks"),
  elements: column("elements"),
  whole: column("whole"),
  modem: column("modem")
}
process.stdout.write(`${JSON.stringify({ lines: log.lines, ...columns })}\n`)
