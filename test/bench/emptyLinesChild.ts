import { readWithDecoder, readWithModem } from "./lineReaders.js"
import { chunksOf, emptyLines } from "./sampleLog.js"

const [variant, count] = process.argv.slice(2)
const chunks = chunksOf(emptyLines(Number(count)))
const started = performance.now()
const lines = variant === "decoder" ? readWithDecoder(chunks) : readWithModem(chunks)
const seconds = (performance.now() - started) / 1000
process.stdout.write(`${JSON.stringify({ lines, seconds })}\n`)
