const headerSize = 8
const newline = "\n"

/** A log in memory, as the engine would send it, and the same lines as plain text. */
export interface SampleLog {
  readonly lines: number
  /** The engine's multiplexed stream: a frame a line, standard output and standard error mixed. */
  readonly frames: Buffer
  /** The payloads alone, one behind the other. */
  readonly text: Buffer
}

const asciiText = (index: number): string =>
  `level=info request=${String(index).padStart(8, "0")} path=/api/items/${index % 97} took=12ms status=200 bytes=4711`
const utf8Text = (index: number): string =>
  `Grüße an №${String(index).padStart(8, "0")} — 日本語のログ, naïve café, ½ × ${index % 97} °C, Straße`

/** A frame around a line of the log: `type` 1 is standard output, 2 standard error. */
export const logFrame = (type: 1 | 2, payload: string): Buffer => {
  const size = Buffer.byteLength(payload)
  const frame = Buffer.alloc(headerSize + size)
  frame[0] = type
  frame.writeUInt32BE(size, 4)
  frame.write(payload, headerSize)
  return frame
}

/**
 * About as many bytes of frames as asked for, made of one block of different lines again and again: payloads of 118
 * bytes, timestamp and newline included. In UTF-8 every line has characters of two and three bytes.
 */
export const sampleLog = (bytes: number, kind: "ascii" | "utf8"): SampleLog => {
  const second = Date.UTC(2026, 0, 1) / 1000
  const frames: Array<Buffer> = []
  const payloads: Array<Buffer> = []
  let size = 0
  for (let index = 0; size < 4 * 1024 * 1024; index++) {
    const date = new Date((second + index) * 1000).toISOString().slice(0, 19)
    const nanos = String((index * 7_919_317) % 1_000_000_000).padStart(9, "0")
    const payload = `${date}.${nanos}Z ${kind === "ascii" ? asciiText(index) : utf8Text(index)}${newline}`
    const frame = logFrame(index % 3 === 2 ? 2 : 1, payload)
    frames.push(frame)
    payloads.push(frame.subarray(headerSize))
    size += frame.length
  }
  const times = Math.max(1, Math.round(bytes / size))
  const repeated = (blocks: ReadonlyArray<Buffer>) => {
    const block = Buffer.concat(blocks)
    return Buffer.concat(Array.from({ length: times }, () => block))
  }
  return { lines: frames.length * times, frames: repeated(frames), text: repeated(payloads) }
}

/** Lines with nothing in them, in frames, without timestamps: what `logs` gives to who doesn't ask for them. */
export const emptyLines = (count: number): Buffer => {
  const frame = logFrame(1, newline)
  return Buffer.concat(Array.from({ length: count }, () => frame))
}

/** What a socket gives at once at most. */
export const chunkSize = 64 * 1024

/** Cuts bytes as a socket would. */
export const chunksOf = (bytes: Buffer): ReadonlyArray<Buffer> =>
  Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, index) =>
    bytes.subarray(index * chunkSize, (index + 1) * chunkSize)
  )
