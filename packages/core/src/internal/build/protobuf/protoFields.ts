/** A field of a protobuf message: an integer, or bytes that hold a string, bytes or a message. */
export interface ProtoField {
  readonly field: number
  readonly value: bigint | Buffer
}

/** A message that is cut short, or not a message. */
export class ProtoFormatError extends Error {}

/** Decodes the fields of a message, in order. Fixed-length numbers are skipped: no message that is read has one. */
export const protoFields = (message: Uint8Array): ReadonlyArray<ProtoField> => {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const fields: Array<ProtoField> = []
  let position = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position++]
      if (byte === undefined) throw new ProtoFormatError("a message is cut short")
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtoFormatError("a number in a message is too long")
  }
  const take = (length: number): Buffer => {
    if (length > bytes.length - position) throw new ProtoFormatError("a message is cut short")
    position += length
    return bytes.subarray(position - length, position)
  }
  while (position < bytes.length) {
    const key = Number(varint())
    const field = Math.floor(key / 8)
    if (key % 8 === 0) fields.push({ field, value: varint() })
    else if (key % 8 === 2) fields.push({ field, value: take(Number(varint())) })
    else if (key % 8 === 1) take(8)
    else if (key % 8 === 5) take(4)
    else throw new ProtoFormatError("a message has a field of an unknown type")
  }
  return fields
}

const lastValue = (fields: ReadonlyArray<ProtoField>, number: number) =>
  fields.findLast(({ field }) => field === number)?.value

/** The last value of a bytes field, or none. */
export const bytesField = (fields: ReadonlyArray<ProtoField>, number: number): Buffer => {
  const value = lastValue(fields, number)
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

/** The last value of a string field, or an empty string. */
export const textField = (fields: ReadonlyArray<ProtoField>, number: number): string =>
  bytesField(fields, number).toString("utf8")

/** The last value of an integer field, or zero. */
export const integerField = (fields: ReadonlyArray<ProtoField>, number: number): number =>
  Number(typeof lastValue(fields, number) === "bigint" ? lastValue(fields, number) : 0)
