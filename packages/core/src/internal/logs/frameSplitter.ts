/** The payload length of the frame whose header is at offset `header`. */
export const frameLength = (bytes: Buffer, header: number): number =>
  bytes[header + 4]! * 0x1000000 + ((bytes[header + 5]! << 16) | (bytes[header + 6]! << 8) | bytes[header + 7]!)

/**
 * Splits the engine's multiplexed stream into frames: `[type u8][0 0 0][length u32 BE][payload]`. Chunks may begin and end
 * anywhere.
 *
 * Only a frame that spans several chunks is copied, once; all others are used in place. Frames longer than `maxFrame` are
 * rejected as malformed, so memory is bounded.
 */
export class FrameSplitter {
  static readonly headerSize = 8
  /** The engine's log records have 16 KiB at most and exec frames 32 KiB. A logging plugin may send 1 MB. */
  static readonly maxFrame = 16 * 1024 * 1024

  #cut = Buffer.alloc(0)
  #cutLength = 0
  #broken = false

  /**
   * @param onFrames called with a range of bytes that consists of whole frames. The bytes are valid only during the call.
   * @param onMalformed called once if the bytes are not frames. All further bytes are ignored.
   */
  constructor(
    readonly onFrames: (bytes: Buffer, start: number, end: number) => void,
    readonly onMalformed: (detail: string) => void
  ) {}

  /** Whether the bytes so far end in the middle of a frame. */
  get isCut(): boolean {
    return this.#cutLength > 0
  }

  push(chunk: Uint8Array): void {
    if (this.#broken) return
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let offset = this.#cutLength > 0 ? this.#completeCut(bytes) : 0
    if (this.#broken) return
    const start = offset
    while (offset + FrameSplitter.headerSize <= bytes.length) {
      const end = offset + FrameSplitter.headerSize + this.#payloadLength(bytes, offset)
      if (this.#broken || end > bytes.length) break
      offset = end
    }
    if (offset > start) this.onFrames(bytes, start, offset)
    if (!this.#broken && offset < bytes.length) this.#keep(bytes, offset)
  }

  #payloadLength(bytes: Buffer, header: number): number {
    const length = frameLength(bytes, header)
    if (bytes[header]! > 3 || length > FrameSplitter.maxFrame) {
      this.#broken = true
      this.onMalformed(`invalid frame header (type ${bytes[header]}, length ${length})`)
    }
    return length
  }

  /** Keeps the first part of a frame. It fits, because what is left of a chunk is shorter than its last frame or a header. */
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

  /** Completes the cut frame from the next chunk. Returns the offset of the first byte after it. */
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
    this.onFrames(this.#cut, 0, size)
    // Do not keep the buffer of an exceptionally long frame.
    if (this.#cut.length > 256 * 1024) this.#cut = Buffer.alloc(0)
    return taken
  }
}
