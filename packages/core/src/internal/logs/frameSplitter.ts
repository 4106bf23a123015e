/** The length of the payload of the frame whose header stands at `header`. */
export const frameLength = (bytes: Buffer, header: number): number =>
  bytes[header + 4]! * 0x1000000 + ((bytes[header + 5]! << 16) | (bytes[header + 6]! << 8) | bytes[header + 7]!)

/**
 * Finds whole frames in the engine's multiplexed stream: `[type u8][0 0 0][length u32 BE][payload]`, cut anywhere.
 *
 * Linear in the bytes: a frame that a chunk cuts is copied once, into a buffer of its own size; all others stay where
 * they are. Bounded: a frame longer than `maxFrame` can't come from an engine and is refused.
 */
export class FrameSplitter {
  static readonly headerSize = 8
  /** The engine's records are 16 KiB at most and its exec frames 32 KiB; a plugin driver may give 1 MB. */
  static readonly maxFrame = 16 * 1024 * 1024

  #cut = Buffer.alloc(0)
  #cutLength = 0
  #broken = false

  /**
   * @param whole called with a range of bytes that holds whole frames and nothing else; the bytes are only valid during
   *   the call
   * @param malformed called, once, when the bytes can't be frames; all that follows is ignored
   */
  constructor(
    readonly whole: (bytes: Buffer, start: number, end: number) => void,
    readonly malformed: (detail: string) => void
  ) {}

  /** Whether the bytes so far end in mid-frame. */
  get isCut(): boolean {
    return this.#cutLength > 0
  }

  push(chunk: Uint8Array): void {
    if (this.#broken) return
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let position = this.#cutLength > 0 ? this.#completeCut(bytes) : 0
    if (this.#broken) return
    const start = position
    while (position + FrameSplitter.headerSize <= bytes.length) {
      const end = position + FrameSplitter.headerSize + this.#payloadLength(bytes, position)
      if (this.#broken || end > bytes.length) break
      position = end
    }
    if (position > start) this.whole(bytes, start, position)
    if (!this.#broken && position < bytes.length) this.#keep(bytes, position)
  }

  #payloadLength(bytes: Buffer, header: number): number {
    const length = frameLength(bytes, header)
    if (bytes[header]! > 3 || length > FrameSplitter.maxFrame) {
      this.#broken = true
      this.malformed(`a frame of type ${bytes[header]} and ${length} bytes`)
    }
    return length
  }

  /** Keeps the beginning of a frame; it fits, as the rest of a chunk is less than its last frame or than a header. */
  #keep(bytes: Buffer, from: number): void {
    const length = bytes.length - from
    const size =
      length < FrameSplitter.headerSize ? FrameSplitter.headerSize : FrameSplitter.headerSize + frameLength(bytes, from)
    this.#grow(size)
    bytes.copy(this.#cut, 0, from)
    this.#cutLength = length
  }

  #grow(size: number): void {
    if (this.#cut.length >= size) return
    const larger = Buffer.allocUnsafe(size)
    this.#cut.copy(larger, 0, 0, this.#cutLength)
    this.#cut = larger
  }

  /** Takes what the cut frame still wants; gives the position of the first byte behind it. */
  #completeCut(bytes: Buffer): number {
    let taken = 0
    const take = (size: number) => {
      const amount = Math.min(size - this.#cutLength, bytes.length - taken)
      bytes.copy(this.#cut, this.#cutLength, taken, taken + amount)
      this.#cutLength += amount
      taken += amount
      return this.#cutLength === size
    }
    if (this.#cutLength < FrameSplitter.headerSize && !take(FrameSplitter.headerSize)) return taken
    const size = FrameSplitter.headerSize + this.#payloadLength(this.#cut, 0)
    if (this.#broken) return taken
    this.#grow(size)
    if (!take(size)) return taken
    this.#cutLength = 0
    this.whole(this.#cut, 0, size)
    // An exceptionally long frame must not stay in memory for the rest of a long stream.
    if (this.#cut.length > 256 * 1024) this.#cut = Buffer.alloc(0)
    return taken
  }
}
