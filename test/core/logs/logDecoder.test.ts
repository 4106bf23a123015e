import type { LogStream } from "@dockwire/core"
import { describe, expect, it, vi } from "vitest"
import { maxLineBytes } from "../../../packages/core/src/internal/logs/logDecoder.js"
import { cutAtRandom, decode, frame, frames, recordSize, stamp } from "./engineLog.js"
import { randomness } from "./randomness.js"

const bytewise = (bytes: Buffer) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
const wordings = [
  "",
  "plain",
  "€uro",
  "🚀",
  "tab\tand\u0000nul",
  "\u001b[31mred\u001b[0m",
  '{"a":1}',
  "lone\rreturn"
] as const

describe("lines", () => {
  it("are the same wherever chunks begin and end, with and without a handler for records", () => {
    const random = randomness("decoder")
    for (let round = 0; round < 8; round++) {
      const wanted: Array<{ stream: LogStream; timestamp: string; text: string }> = []
      const made: Array<Buffer> = []
      for (let n = 1; n <= random.between(5, 40); n++) {
        const stream: LogStream = random.pick<LogStream>(["stdout", "stderr"])
        const long = random.between(0, 9) === 0 ? "é".repeat(random.between(8_000, 40_000)) : ""
        const text = random.pick(wordings) + long + random.pick(wordings)
        made.push(...frames(stream, stamp(n), text, random.pick(["\n", "\r\n"])))
        wanted.push({ stream, timestamp: stamp(n), text })
        if (random.between(0, 9) === 0) made.push(frame(random.between(1, 2), ""))
      }
      const bytes = Buffer.concat(made)
      const uncut = decode([bytes])
      expect(JSON.stringify(uncut) === JSON.stringify({ lines: wanted, engineErrors: [], malformed: [] })).toBe(true)
      for (const longest of [2, 40, 3_000, 65_536]) {
        for (const options of [{}, { follow: true }, { withRecords: true }, { follow: true, withRecords: true }]) {
          const cut = decode(cutAtRandom(bytes, random, longest), options)
          expect(JSON.stringify(cut) === JSON.stringify(uncut), `seed ${random.seed}`).toBe(true)
        }
      }
    }
  })

  it("are whole when split at any offset, or byte by byte", () => {
    const bytes = Buffer.concat([
      ...frames("stdout", stamp(1), "🚀 one"),
      ...frames("stderr", stamp(2), "", "\n"),
      frame(3, "Error grabbing logs: unexpected EOF\n"),
      ...frames("stdout", stamp(3), "crlf", "\r\n"),
      ...frames("stdout", stamp(4), "unterminated", "")
    ])
    const uncut = decode([bytes])
    expect(uncut.lines.map((line) => line.text)).toEqual(["🚀 one", "", "crlf", "unterminated"])
    expect(uncut.engineErrors).toEqual(["Error grabbing logs: unexpected EOF"])
    for (let at = 0; at <= bytes.length; at++) {
      expect(decode([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(uncut)
    }
    expect(decode(bytewise(bytes))).toEqual(uncut)
  })

  it("of two streams stay separate when their pieces interleave", () => {
    const out = frames("stdout", stamp(1), "o".repeat(40_000))
    const err = frames("stderr", stamp(1), "e".repeat(40_000))
    expect(out).toHaveLength(3)
    const mixed = out.flatMap((piece, index) => [piece, err[index] ?? Buffer.alloc(0)])
    expect(decode(mixed).lines).toEqual([
      { stream: "stdout", timestamp: stamp(1), text: "o".repeat(40_000) },
      { stream: "stderr", timestamp: stamp(1), text: "e".repeat(40_000) }
    ])
  })

  it("with equal timestamps are all emitted", () => {
    const same = [
      ...frames("stdout", stamp(7), "a"),
      ...frames("stdout", stamp(7), "b"),
      ...frames("stdout", stamp(7), "a")
    ]
    expect(decode(same).lines.map((line) => line.text)).toEqual(["a", "b", "a"])
    expect(decode(same, { follow: true }).lines.map((line) => line.text)).toEqual(["a", "b", "a"])
  })

  it("that an engine sends twice in a row are emitted once, unless its timestamps are whole seconds", () => {
    const twice = [...frames("stdout", stamp(7), "a"), ...frames("stdout", stamp(7), "a")]
    expect(decode(twice, { follow: true }).lines).toHaveLength(1)
    expect(decode(twice).lines).toHaveLength(2)
    const seconds = [...frames("stdout", stamp(0), "a"), ...frames("stdout", stamp(0), "a")]
    expect(decode(seconds, { follow: true }).lines).toHaveLength(2)
  })

  it("without a newline end at the next run, and at the end of the log", () => {
    const bytes = [...frames("stdout", stamp(1), "first run", ""), ...frames("stdout", stamp(2), "second run", "")]
    expect(decode(bytes).lines.map((line) => line.text)).toEqual(["first run", "second run"])
  })

  it("lose their carriage return, also if the newline is in the next record", () => {
    const text = "x".repeat(recordSize - 1)
    const cut = frames("stdout", stamp(1), text, "\r\n")
    expect(cut).toHaveLength(2)
    expect(decode(cut).lines.map((line) => line.text === text)).toEqual([true])
  })

  it("that are not valid UTF-8 contain the replacement character", () => {
    const bytes = frames("stdout", stamp(1), Buffer.from([0x61, 0xff, 0xfe, 0x62]))
    expect(decode(bytes).lines[0]?.text).toBe("a\ufffd\ufffdb")
  })
})

describe("a long line", () => {
  const whole = (length: number) => decode(frames("stdout", stamp(1), "x".repeat(length))).lines

  it("of 1 MiB is emitted whole, and one byte more in two marked parts", () => {
    expect(whole(maxLineBytes).map(({ part, text }) => ({ length: text.length, part }))).toEqual([
      { length: maxLineBytes, part: undefined }
    ])
    const parts = whole(maxLineBytes + 1)
    expect(parts.map(({ part, text }) => ({ length: text.length, part }))).toEqual([
      { length: maxLineBytes, part: { index: 1, last: false } },
      { length: 1, part: { index: 2, last: true } }
    ])
  })

  it("is never split within a character", () => {
    for (const [width, character] of [
      [2, "é"],
      [3, "€"],
      [4, "🚀"]
    ] as const) {
      for (let shift = 0; shift < width; shift++) {
        const text = "x".repeat(shift) + character.repeat(Math.ceil((maxLineBytes + 10) / width))
        const { lines } = decode(frames("stdout", stamp(1), text))
        expect(lines).toHaveLength(2)
        expect(lines.map((line) => line.text).join("") === text, `${character} shifted by ${shift}`).toBe(true)
      }
    }
  })

  it("has numbered parts", () => {
    const { lines } = decode(frames("stderr", stamp(1), "y".repeat(5 * maxLineBytes - 1)))
    expect(lines.map((line) => line.part)).toEqual([1, 2, 3, 4, 5].map((index) => ({ index, last: index === 5 })))
  })

  it("is decoded in linear time", () => {
    let moved = 0
    const original = Buffer.concat.bind(Buffer)
    const concat = vi.spyOn(Buffer, "concat").mockImplementation((list, total) => {
      const joined = original(list, total)
      moved += joined.length
      return joined
    })
    const one = Buffer.from(frame(1, `${stamp(1)} ${"z".repeat(15 * maxLineBytes)}\n`))
    moved = 0
    const { lines } = decode([one])
    concat.mockRestore()
    expect(lines).toHaveLength(15)
    expect(moved).toBeLessThan(2 * one.length)
  })
})

describe("a response that is not a log", () => {
  it("is reported once, after the lines in front of the error", () => {
    const decoded = decode([
      ...frames("stdout", stamp(1), "good"),
      Buffer.from("garbage, not a frame"),
      Buffer.from("more")
    ])
    expect(decoded.lines.map((line) => line.text)).toEqual(["good"])
    expect(decoded.malformed).toHaveLength(1)
  })
})
