/** Makes lines of bytes in memory in every way, round by round. */
import { readWithDecoder, readWithModem, splitChunks, splitToElements, splitWhole } from "./lineReaders.js"
import { chunksOf, sampleLog } from "./sampleLog.js"

const [kind, megabytes, modemMegabytes, rounds] = process.argv.slice(2)
const bytes = 1_000_000
const log = sampleLog(Number(megabytes) * bytes, kind === "utf8" ? "utf8" : "ascii")
const frames = chunksOf(log.frames)
const text = chunksOf(log.text)
const small = chunksOf(log.frames.subarray(0, Number(modemMegabytes) * bytes))

/** Lines a second of one reading, which must give as many lines as there are. */
const timed = (read: () => number): number => {
  const started = performance.now()
  const lines = read()
  if (lines !== log.lines) throw new Error(`${lines} lines were read, and there are ${log.lines}.`)
  return log.lines / ((performance.now() - started) / 1000)
}

const timedModem = (): number => {
  const started = performance.now()
  const lines = readWithModem(small)
  return lines / ((performance.now() - started) / 1000)
}

const ways = {
  decoder: () => timed(() => readWithDecoder(frames)),
  chunks: () => timed(() => splitChunks(text)),
  elements: () => timed(() => splitToElements(text)),
  whole: () => timed(() => splitWhole(log.text)),
  modem: timedModem
}

// Code that has not run a few times is not what a long log is read with.
for (let round = 0; round < 6; round++) for (const way of [ways.decoder, ways.elements]) way()
const result = Array.from({ length: Number(rounds) }, () => ({
  decoder: ways.decoder(),
  chunks: ways.chunks(),
  elements: ways.elements(),
  whole: ways.whole(),
  modem: ways.modem()
}))
const column = (way: keyof typeof ways) => result.map((round) => round[way])
const columns = {
  decoder: column("decoder"),
  chunks: column("chunks"),
  elements: column("elements"),
  whole: column("whole"),
  modem: column("modem")
}
process.stdout.write(`${JSON.stringify({ lines: log.lines, ...columns })}\n`)
