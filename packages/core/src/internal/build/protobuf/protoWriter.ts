/** Encodes protobuf messages one after the other into one buffer, which grows as needed and is used again. */
export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(1024)
  #length = 0

  /** The encoded bytes. Valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  /** An integer. Zero is the default of every field, and left out. */
  integer(field: number, value: number | bigint): this {
    if (value === 0 || value === 0n) return this
    this.#varint(field * 8)
    if (typeof value === "number" && value >= 0) this.#varint(value)
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)))
    return this
  }

  /** A string or bytes. What is empty is left out. */
  text(field: number, value: string | Uint8Array): this {
    return value.length === 0 ? this : this.nested(field, value)
  }

  /** As `text`, but also if it is empty: for a message in a message. */
  nested(field: number, value: string | Uint8Array): this {
    if (typeof value === "string")
      this.head(field, Buffer.byteLength(value)).room(Buffer.byteLength(value)).write(value)
    else this.head(field, value.length).room(value.length).set(value)
    return this
  }

  /** What stands before a string, bytes or a message of this length. */
  head(field: number, length: number): this {
    this.#varint(field * 8 + 2)
    this.#varint(length)
    return this
  }

  /** Room for as many bytes, to be filled before the next write. */
  room(length: number): Buffer {
    this.#reserve(length)
    this.#length += length
    return this.#buffer.subarray(this.#length - length, this.#length)
  }

  #varint(value: number): void {
    this.#reserve(10)
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#buffer[this.#length++] = (rest % 0x80) + 0x80
    this.#buffer[this.#length++] = rest
  }

  #bigVarint(value: bigint): void {
    if (value <= 0xfff_ffffn) return this.#varint(Number(value))
    this.#reserve(10)
    // Large integers are slow: they are only split.
    let low = Number(value & 0xfff_ffffn)
    for (let count = 0; count < 4; count++, low >>= 7) this.#buffer[this.#length++] = (low & 0x7f) + 0x80
    this.#varint(Number(value >> 28n))
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#length + count, this.#buffer.length * 2))
    larger.set(this.bytes)
    this.#buffer = larger
  }
}
