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
    const length = typeof value === "string" ? Buffer.byteLength(value) : value.length
    this.head(field, length).#reserve(length)
    if (typeof value === "string") this.#buffer.write(value, this.#length, "utf8")
    else this.#buffer.set(value, this.#length)
    this.#length += length
    return this
  }

  /** What stands before a string, bytes or a message of this length. */
  head(field: number, length: number): this {
    this.#varint(field * 8 + 2)
    this.#varint(length)
    return this
  }

  #varint(value: number): void {
    this.#reserve(10)
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#buffer[this.#length++] = (rest % 0x80) + 0x80
    this.#buffer[this.#length++] = rest
  }

  #bigVarint(value: bigint): void {
    this.#reserve(10)
    let rest = value
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 0x7fn) + 0x80
    this.#buffer[this.#length++] = Number(rest)
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.bytes)
    this.#buffer = larger
  }
}
