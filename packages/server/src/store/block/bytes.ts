/** Numbers of any size up to 2^53 in as few bytes as they need, the lowest seven bits first. */

/** Grows as it is written. */
export class ByteWriter {
  private buffer = Buffer.allocUnsafe(1024)
  private length = 0

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.length++] = value
  }

  /** A whole number from 0. */
  number(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest > 0x7fffffff) {
      this.buffer[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest > 127) {
      this.buffer[this.length++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.buffer[this.length++] = rest
  }

  /** A whole number. */
  signed(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value)
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length)
    this.buffer.set(value, this.length)
    this.length += value.length
  }

  finish(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + count))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  private offset = 0

  constructor(private readonly buffer: Uint8Array) {}

  byte(): number {
    const value = this.buffer[this.offset++]
    if (value === undefined) throw new RangeError("The block ends too early.")
    return value
  }

  number(): number {
    let value = this.byte()
    if (value < 128) return value
    value &= 127
    let factor = 128
    for (;;) {
      const next = this.byte()
      value += (next & 127) * factor
      if (next < 128) return value
      factor *= 128
    }
  }

  signed(): number {
    const value = this.number()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  bytes(count: number): Uint8Array {
    const start = this.offset
    this.offset += count
    if (this.offset > this.buffer.length) throw new RangeError("The block ends too early.")
    return this.buffer.subarray(start, this.offset)
  }
}
