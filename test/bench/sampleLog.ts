const headerSize = 8
const newline = "\n"

/** A log in memory, as the engine sends it, and the same lines as plain text. */
export interface SampleLog {
  readonly lines: number
  /** The multiplexed stream: one frame for each line of stdout and stderr. */
  readonly frames: Buffer
  /** The payloads alone, concatenated. */
  readonly text: Buffer
}

const asciiText = (index: number): string =>
  `level=info request=${String(index).padStart(8, "0")} path=/api/items/${index % 97} took=12ms status=200 bytes=4711`
const utf8Text = (index: number): string =>
  `Grüße an №${String(index).padStart(8, "0")} — 日本語のログ, naïve café, ½ × ${index % 97} °C, Straße`

/** A frame around a line of the log. `type` 1 is stdout, 2 is stderr. */
export const logFrame = (type: 1 | 2, payload: string): Buffer => {
  const size = Buffer.byteLength(payload)
  const frame = Buffer.alloc(headerSize + size)
  frame[0] = type
  frame.writeUInt32BE(size, 4)
  frame.write(payload, headerSize)
  return frame
}

/**
 * A log of about this many bytes, which repeats one block of different lines. The payloads have 118 bytes, including
 * timestamp and newline. In UTF-8, every line contains characters of two and three bytes.
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

/** Frames with empty lines and without timestamps, as `logs` sends them by default. */
export const emptyLines = (count: number): Buffer => {
  const frame = logFrame(1, newline)
  return Buffer.concat(Array.from({ length: count }, () => frame))
}

/** The largest chunk of a socket. */
export const chunkSize = 64 * 1024

/** Splits bytes into chunks as a socket does. */
export const chunksOf = (bytes: Buffer): ReadonlyArray<Buffer> =>
  Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, index) =>
    bytes.subarray(index * chunkSize, (index + 1) * chunkSize)
  )
