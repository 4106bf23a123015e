import { expect, it, vi } from "vitest"
import { FrameSplitter } from "../../../packages/core/src/internal/logs/frameSplitter.js"
import { cutAtRandom, frame } from "./engineLog.js"
import { randomness } from "./randomness.js"

interface Found {
  readonly payloads: ReadonlyArray<string>
  readonly malformed: ReadonlyArray<string>
  readonly isCut: boolean
}

const split = (chunks: Iterable<Buffer>): Found => {
  const payloads: Array<string> = []
  const malformed: Array<string> = []
  const splitter = new FrameSplitter(
    (bytes, start, end) => {
      let position = start
      while (position < end) {
        const length = bytes.readUInt32BE(position + 4)
        payloads.push(`${bytes[position]}:${bytes.toString("latin1", position + 8, position + 8 + length)}`)
        position += 8 + length
      }
      // A range consists of whole frames.
      expect(position).toBe(end)
    },
    (detail) => malformed.push(detail)
  )
  for (const chunk of chunks) {
    const own = Buffer.from(chunk)
    splitter.push(own)
    own.fill(0xaa)
  }
  return { payloads, malformed, isCut: splitter.isCut }
}

it("finds the same frames wherever chunks begin and end", () => {
  const random = randomness("frames")
  for (let round = 0; round < 30; round++) {
    const made = Array.from({ length: random.between(1, 12) }, () => {
      const size = random.pick([0, 1, 7, 8, 9, 300, 16_384, 16_415])
      return { type: random.between(0, 3), payload: Buffer.alloc(size, random.between(0, 255)) }
    })
    const bytes = Buffer.concat(made.map(({ payload, type }) => frame(type, payload)))
    const wanted = {
      payloads: made.map(({ payload, type }) => `${type}:${payload.toString("latin1")}`),
      malformed: [],
      isCut: false
    }
    expect(split([bytes])).toEqual(wanted)
    for (const longest of [3, 50, 5_000, 70_000]) {
      expect(split(cutAtRandom(bytes, random, longest)), `seed ${random.seed}`).toEqual(wanted)
    }
  }
})

it("finds frames that are split at any offset, or arrive byte by byte", () => {
  const bytes = Buffer.concat([frame(1, "one"), frame(2, ""), frame(3, "three"), frame(1, "h€llo"), frame(2, "x")])
  const wanted = split([bytes])
  expect(wanted.payloads).toHaveLength(5)
  for (let at = 0; at <= bytes.length; at++) {
    expect(split([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(wanted)
  }
  expect(split(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(wanted)
})

it("knows that the last frame is incomplete", () => {
  const bytes = Buffer.concat([frame(1, "whole"), frame(1, "cut")])
  for (const missing of [1, 2, 3, 10]) {
    expect(split([bytes.subarray(0, bytes.length - missing)])).toEqual({
      payloads: ["1:whole"],
      malformed: [],
      isCut: true
    })
  }
})

it("reports bytes that are not a frame once, after the frames in front of them", () => {
  for (const [name, bad] of [
    ["a wrong type", frame(4, "later")],
    ["text", Buffer.from("HTTP/1.1 500 Internal Server Error\r\n\r\n")],
    ["64 MB at once", Buffer.concat([Buffer.from([1, 0, 0, 0, 4, 0, 0, 0]), Buffer.alloc(100)])]
  ] as const) {
    const bytes = Buffer.concat([frame(1, "before"), bad, frame(1, "behind")])
    for (const chunks of [[bytes], Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))]) {
      const found = split(chunks)
      expect(found.payloads, name).toEqual(["1:before"])
      expect(found.malformed, name).toHaveLength(1)
    }
  }
})

it("copies a long frame once, however many chunks it has", () => {
  const payload = Buffer.alloc(FrameSplitter.maxFrame, "x")
  const bytes = Buffer.concat([frame(1, payload), frame(1, "next")])
  let copied = 0
  const copy = vi.spyOn(Buffer.prototype, "copy").mockImplementation(function (
    this: Buffer,
    target: unknown,
    at?: unknown,
    from?: unknown,
    to?: unknown
  ) {
    const part = this.subarray(Number(from ?? 0), Number(to ?? this.length))
    if (target instanceof Uint8Array) target.set(part, Number(at ?? 0))
    copied += part.length
    return part.length
  })
  const concat = vi.spyOn(Buffer, "concat")
  const lengths: Array<number> = []
  const splitter = new FrameSplitter(
    (_, start, end) => lengths.push(end - start),
    (detail) => expect.fail(detail)
  )
  for (let at = 0; at < bytes.length; at += 65_536) splitter.push(bytes.subarray(at, at + 65_536))
  const concatenated = concat.mock.calls.length
  copy.mockRestore()
  concat.mockRestore()
  expect(lengths).toEqual([8 + payload.length, 12])
  expect(copied).toBeLessThan(bytes.length + 65_536)
  expect(concatenated).toBe(0)
})
