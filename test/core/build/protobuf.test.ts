import * as FastCheck from "effect/FastCheck"
import protobuf from "protobufjs"
import { expect, it } from "vitest"
import {
  bytesField,
  integerField,
  ProtoFormatError,
  protoFields,
  textField
} from "../../../packages/core/src/internal/build/protobuf/protoFields.js"
import { ProtoWriter } from "../../../packages/core/src/internal/build/protobuf/protoWriter.js"

const type = protobuf
  .parse(
    `syntax = "proto3"; message Inner { string text = 1; }
     message All { uint64 count = 1; int64 signed = 2; string text = 15; bytes data = 16; Inner inner = 2000; }`
  )
  .root.lookupType("All")

const values = FastCheck.record({
  count: FastCheck.bigInt(0n, 2n ** 64n - 1n),
  signed: FastCheck.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  text: FastCheck.string({ unit: "grapheme", maxLength: 300 }),
  data: FastCheck.uint8Array({ maxLength: 300 }),
  inner: FastCheck.string({ maxLength: 20 })
})

it("protobuf messages are written as protobufjs reads them, and read as it writes them", () => {
  const writer = new ProtoWriter()
  FastCheck.assert(
    FastCheck.property(values, ({ count, data, inner, signed, text }) => {
      writer.clear()
      const innerBytes = Uint8Array.from(new ProtoWriter().text(1, inner).bytes)
      writer.integer(1, count).integer(2, signed).text(15, text).text(16, data).nested(2000, innerBytes)
      const bytes = Uint8Array.from(writer.bytes)
      const read = type.toObject(type.decode(bytes), { longs: String, bytes: Array, defaults: true })
      const expected = { count: String(count), signed: String(signed), text, data: [...data], inner: { text: inner } }
      expect(read).toEqual(expected)
      const fields = protoFields(type.encode(type.decode(bytes)).finish())
      expect(textField(fields, 15)).toBe(text)
      expect([...bytesField(fields, 16)]).toEqual([...data])
      expect(textField(protoFields(bytesField(fields, 2000)), 1)).toBe(inner)
      if (count < 2n ** 53n) expect(integerField(fields, 1)).toBe(Number(count))
    })
  )
})

it("numbers that are not bigints are written the same", () => {
  FastCheck.assert(
    FastCheck.property(FastCheck.maxSafeInteger(), (value) => {
      const [plain, big] = [new ProtoWriter().integer(3, value), new ProtoWriter().integer(3, BigInt(value))]
      expect(plain.bytes).toEqual(big.bytes)
    })
  )
})

it("bytes that are no message are rejected, and never read beyond their end", () => {
  FastCheck.assert(
    FastCheck.property(FastCheck.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        const length = protoFields(bytes).reduce(
          (sum, { value }) => sum + (Buffer.isBuffer(value) ? value.length : 1),
          0
        )
        expect(length).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtoFormatError)
      }
    }),
    { numRuns: 5_000 }
  )
})
